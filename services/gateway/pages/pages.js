"use strict";

const byId = (id) => document.getElementById(id);

/** Make an element; text is text, whatever it holds. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const link = (url, text) => (/^https?:\/\//.test(url ?? "") ? make("a", { href: url, rel: "noreferrer" }, text) : text);

function moment(time) {
  return make("time", { datetime: time }, new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
}

function ago(time) {
  const seconds = Math.max(0, Math.round((Date.now() - new Date(time)) / 1000));
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    const count = Math.floor(seconds / length);
    if (count) return `${count} ${unit}${count > 1 ? "s" : ""} ago`;
  }
  return `${seconds} s ago`;
}

/** Fetch JSON; an error's own words are shown, and taken away by the next success. */
async function get(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  const query = new URLSearchParams(given).toString();
  const trouble = byId("trouble");
  try {
    const answer = await fetch(query ? `${path}?${query}` : path);
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.detail ?? answer.statusText);
    trouble.hidden = true;
    return body;
  } catch (error) {
    trouble.textContent = `Not loaded: ${error.message}`;
    trouble.hidden = false;
    throw error;
  }
}

const fill = (id, ...children) => byId(id).replaceChildren(...children);
const facts = (id, values) =>
  fill(id, ...Object.entries(values).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value ?? "–"))));
const orNothing = (items) => (items.length ? items : [make("li", {}, "Nothing known yet.")]);

// --- the station -------------------------------------------------------------------------------

let newest = null;

function showPosition(position) {
  newest = position;
  byId("station").setAttribute("cx", position.longitude_deg);
  byId("station").setAttribute("cy", -position.latitude_deg);
  facts("position", {
    Latitude: `${position.latitude_deg.toFixed(2)}°`,
    Longitude: `${position.longitude_deg.toFixed(2)}°`,
    Altitude: `${position.altitude_km.toFixed(1)} km`,
    Speed: `${Math.round(position.velocity_kmh)} km/h`,
    Age: ago(position.time),
    Source: `${position.provider} (${position.origin})`,
  });
}

function followPosition() {
  const stream = new EventSource("/api/v1/events");
  stream.addEventListener("cassiopeia.iss.position.v1", (message) => {
    const event = JSON.parse(message.data);
    showPosition({ ...event.data, time: event.time, provider: event.provider, origin: event.origin });
  });
  setInterval(() => newest && showPosition(newest), 1000);
}

async function showTrack() {
  const track = await get("/api/v1/iss/track");
  let path = "";
  let last = null;
  for (const { longitude_deg: x, latitude_deg: y } of track.points) {
    // A line that leaves the map at one side comes in at the other.
    path += `${last === null || Math.abs(x - last) > 180 ? "M" : "L"}${x.toFixed(1)} ${(-y).toFixed(1)}`;
    last = x;
  }
  byId("track").setAttribute("d", path);
  const { epoch, trusted } = track.elements;
  fill("guess", trusted ? "" : `The line is a guess: its elements are of ${epoch.slice(0, 10)}.`);
}

// --- pages -------------------------------------------------------------------------------------

async function showDashboard() {
  const { iss, astro, space, sources } = (await get("/api/v1/dashboard")).data;
  if (iss && !newest) showPosition(iss.position);
  fill("sky", ...orNothing(astro.events.map((each) => make("li", {}, each.name, make("small", {}, moment(each.when))))));
  fill("launches", ...orNothing(space.launches.slice(0, 5).map((each) =>
    make("li", {}, each.name, make("small", {}, moment(each.net), ` · ${each.status ?? "?"} · ${each.location_name ?? ""}`)))));
  const flares = space.flares.map((flare) => flare.class_type).filter(Boolean);
  // Nothing is known of what was never fetched, which is not the same as none.
  const fetched = new Set(sources.filter((each) => each.last_success).map((each) => each.name));
  const known = (source, value) => (fetched.has(source) ? value : "unknown");
  facts("weather", {
    "Flares, 5 days": known("flares", flares.slice(0, 5).join(", ") || "none"),
    "Mass ejections, 5 days": known("cmes", String(space.cmes.length)),
    Asteroids: known("neo", `${space.neo.count}, ${space.neo.hazardous} hazardous`),
    Closest: space.neo.closest && `${space.neo.closest.name}, ${Math.round(space.neo.closest.miss_distance_km).toLocaleString()} km`,
  });
  fill("apod", ...picture(space.apod));
  fill("sources", ...sources.map((each) =>
    make("tr", {}, make("th", { scope: "row" }, each.name),
      make("td", each.state === "ok" ? {} : { class: "bad" }, each.state, each.reason && make("small", {}, each.reason)),
      make("td", {}, each.provider ?? "–"), make("td", {}, each.content_time ? ago(each.content_time) : "–"))));
}

function picture(apod) {
  if (!apod) return ["Nothing known yet."];
  const isShown = apod.media_type === "image" && (apod.url ?? "").startsWith("https://apod.nasa.gov/");
  return [isShown ? make("img", { src: apod.url, alt: apod.title, loading: "lazy" }) : null,
    make("p", {}, link(apod.hd_url ?? apod.url, apod.title), make("small", {}, apod.picture_date))].filter(Boolean);
}

const pages = {
  dashboard() {
    followPosition();
    showTrack().catch(() => {});
    setInterval(() => showDashboard().catch(() => {}), 30_000);
    return showDashboard();
  },
  async iss() {
    followPosition();
    showTrack().catch(() => {});
    const trend = await get("/api/v1/iss/trend", { limit: 240 });
    facts("trend", {
      Distance: `${Math.round(trend.delta_km)} km`,
      Time: `${Math.round(trend.dt_sec)} s`,
      From: trend.from_time && moment(trend.from_time),
      To: trend.to_time && moment(trend.to_time),
    });
  },
  jwst: () => search("/api/v1/jwst/images", { limit: 9 }, (each) => {
    const image = make("img", { src: each.thumbnail_path, alt: each.target ?? each.caption, loading: "lazy" });
    return make("li", {}, make("a", { href: each.image_url, rel: "noreferrer" }, image), make("small", {}, each.target ?? each.caption));
  }),
  astro: () => search("/api/v1/astro/events", {}, (each) =>
    make("li", {}, each.name, make("small", {}, moment(each.when), each.details ? ` · ${each.details}` : ""))),
  osdr: () => search("/api/v1/osdr/datasets", { limit: 20 }, (each) =>
    make("li", {}, link(`https://osdr.nasa.gov/bio/repo/data/studies/${each.accession}`, each.title),
      make("small", {}, [each.accession, ...each.organisms.slice(0, 3)].join(" · ")))),
};

/** Show what a form asks for, page by page. */
function search(path, fixed, show) {
  const form = byId("search");
  const more = byId("more");
  async function load(cursor) {
    const page = await get(path, { ...fixed, ...Object.fromEntries(new FormData(form)), ...(cursor ? { cursor } : {}) });
    const items = (page.items ?? page.events).map(show);
    if (cursor) byId("results").append(...items);
    else fill("results", ...orNothing(items));
    if (byId("total")) byId("total").textContent = `${page.total} studies`;
    if (more) more.hidden = !page.next;
    if (more) more.onclick = () => load(page.next).catch(() => {});
  }
  form.addEventListener("submit", (submission) => {
    submission.preventDefault();
    load().catch(() => {});
  });
  return load();
}

pages[document.body.dataset.page]().catch(() => {});
