"""One attempt to deliver a parcel, and what came of it."""

from __future__ import annotations

from time import monotonic, time
from typing import TYPE_CHECKING

from ext_appinsights import answers, failures
from ext_appinsights.answers import Verdict
from ext_appinsights.packing import beginning_of

if TYPE_CHECKING:
    from ext_appinsights.connection_string import ConnectionString
    from ext_appinsights.counts import Counts
    from ext_appinsights.credentials import TokenCredential
    from ext_appinsights.options import Options
    from ext_appinsights.packing import Parcel
    from ext_appinsights.transport import Answer, Transport


class Delivery:
    """Posts parcels. For one thread only; the connection is opened by the first."""

    def __init__(
        self, target: ConnectionString, options: Options, credential: TokenCredential | None, counts: Counts
    ) -> None:
        self.beginning = beginning_of(target.instrumentation_key)
        """What each line starts with when it is posted."""
        self._target = target
        self._options = options
        self._credential = credential
        self._counts = counts
        self._transport: Transport | None = None

    def attempt(self, parcel: Parcel, deadline: float | None) -> Verdict:
        """Post a parcel once; return what it means for each item. `deadline`: when nobody waits for it any more."""
        counts, items = self._counts, len(parcel.lines)
        counts.requests += 1
        counts.sent += items
        try:
            answer = self._post(parcel.body(self.beginning), deadline)
        except Exception as error:
            verdict = Verdict(again=list(range(items)), trouble=failures.words(error))
        else:
            verdict = answers.judge(answer.status, answer.headers, answer.body, items, time())
        if not verdict.split:
            self._count(parcel, verdict)
        return verdict

    def _post(self, body: bytes, deadline: float | None) -> Answer:
        longest = self._options.request_timeout
        if self._transport is None:
            from ext_appinsights.transport import Transport

            self._transport = Transport(self._target, longest, self._credential, self._options.proxies)
        # Without a thread nobody else waits: a request must not outlast the flush.
        self._transport.timeout = longest if deadline is None else min(longest, max(0.01, deadline - monotonic()))
        self._counts.bytes += len(body)
        return self._transport.post(body)

    def _count(self, parcel: Parcel, verdict: Verdict) -> None:
        counts = self._counts
        counts.accepted += verdict.accepted
        counts.retried += len(verdict.again)
        for status, items in verdict.rejected.items():
            counts.rejected[status] += items
        if parcel.replayed:
            counts.replayed += len(parcel.lines) - len(verdict.again)
        else:
            counts.lost += sum(verdict.rejected.values())

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()
