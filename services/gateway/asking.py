"""Questions to the services that compute, and what their refusals mean to a client."""

from typing import TypeVar

from faststream.redis import RedisBroker
from pydantic import BaseModel

from libs.common.clock import Clock
from libs.common.errors import DependencyUnavailableError
from libs.common.questions import Question
from libs.common.requests import (
    ReplyStatus,
    RequestRefusedError,
    RequestUnansweredError,
    ask,
)
from libs.common.topology import Stream
from services.gateway.problems import invalid_parameter

# Fields that a question names differently from the API.
_NAMES = {"start": "from", "end": "to"}
_Answer = TypeVar("_Answer", bound=BaseModel)


class NobodyAnsweredError(DependencyUnavailableError):
    """The service that computes this does not answer, or cannot now; retrying helps."""


class Asker:
    """Asks questions over the broker."""

    def __init__(self, broker: RedisBroker, clock: Clock, patience_s: float) -> None:
        self._broker = broker
        self._clock = clock
        self._patience_s = patience_s

    async def ask(self, stream: Stream, question: Question, answer: type[_Answer]) -> _Answer:
        """Ask, and wait for the answer.

        Raises:
            NobodyAnsweredError: No service answers now.
            ProblemError: 422: the question makes no sense.
        """
        try:
            return await ask(
                self._broker,
                stream,
                question,
                answer,
                timeout_s=self._patience_s,
                clock=self._clock,
            )
        except RequestRefusedError as error:
            if error.status is ReplyStatus.INVALID:
                field, _, reason = str(error).partition(": ")
                raise invalid_parameter(_NAMES.get(field, field), reason or field) from None
            raise NobodyAnsweredError(str(error)) from error
        except RequestUnansweredError as error:
            raise NobodyAnsweredError(str(error)) from error
