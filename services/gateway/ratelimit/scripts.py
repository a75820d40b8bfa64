"""The scripts that the broker runs, each as one atomic step."""

# GCRA. KEYS: one for each bucket. ARGV, for each bucket: interval and window in us; tokens given
# back; how far, at least, the theoretical arrival time lies ahead (what was spent while this broker
# was away); tokens wished for as a lease; the number of checks, and the cost of each. Answers, for
# each bucket: how far the theoretical arrival time lies ahead in us, the tokens leased, and 1 or 0
# for each check.
CHECK = """
local clock = redis.call('TIME')
-- From 2023 on: a double has a hundredth of a microsecond left then.
local now = (clock[1] - 1700000000) * 1000000 + clock[2]
local answers, at = {}, 1
for i, key in ipairs(KEYS) do
  local interval, window = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local back, ahead = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local wish, checks = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local stored = tonumber(redis.call('GET', key) or 0)
  local full_at = math.max(stored - back * interval, now + ahead, now)
  local answer = {0, 0}
  for check = 1, checks do
    local after = full_at + ARGV[at + 5 + check] * interval
    -- A hundredth of a token forgives the rounding of sums.
    local admitted = after - now <= window + interval / 100
    if admitted then full_at = after end
    answer[check + 2] = admitted and 1 or 0
  end
  -- The nearer the limit, the smaller the lease, down to none: then every check is exact.
  local left = (window - (full_at - now)) / interval
  local leased = math.max(0, math.min(wish, math.floor(left / 20)))
  full_at = full_at + leased * interval
  if full_at > now then
    local life = math.ceil((full_at - now) / 1000)
    redis.call('SET', key, string.format('%.17g', full_at), 'PX', life)
  else
    redis.call('DEL', key)
  end
  answer[1], answer[2] = math.ceil(full_at - now), leased
  answers[i] = answer
  at = at + 6 + checks
end
return answers
"""

# KEYS: the set of replicas. ARGV: this replica, and after what silence one counts as gone, in s.
# Answers how many are alive.
PRESENT = """
local now = redis.call('TIME')[1]
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - ARGV[2]))
redis.call('EXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
"""
