"""Records what the gate lets pass, before it passes; what cannot be recorded and could open is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from risk.decision import Approved, Decision, Refused
from risk.intent import OrderIntent
from risk.records import ApprovalRecord
from risk.supervisor import RECORDER_FAILURE, Supervisor

Verdicts = list[Decision[OrderIntent]]


class Approvals:
    """Hands an `ApprovalRecord` of every command to the supervisor's recorder. Times are ns UTC."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def of_submission(self, verdicts: Verdicts, now_ns: int) -> Verdicts:
        """Record the approval of new orders; return `verdicts`, or refusals when it could not be recorded.

        A list then passes only if all of its orders lower risk; otherwise all of them are refused.
        """
        if len(verdicts) == 1:
            return [self.of_order(verdicts[0], now_ns)]
        approved = [verdict for verdict in verdicts if isinstance(verdict, Approved)]
        if len(approved) < len(verdicts):
            return verdicts
        first = approved[0].value
        record = ApprovalRecord(
            ts_ns=now_ns,
            command="submit",
            client_order_ids=tuple([verdict.value.order_id for verdict in approved]),
            strategy_id=first.strategy_id,
            instrument_id=first.terms.instrument_id,
        )
        if self._supervisor.record(record, now_ns):
            return verdicts
        lost = [_unless_opening(verdict, "submission") for verdict in approved]
        refused = next((verdict for verdict in lost if isinstance(verdict, Refused)), None)
        return verdicts if refused is None else [refused] * len(verdicts)

    def of_order(self, verdict: Decision[OrderIntent], now_ns: int) -> Decision[OrderIntent]:
        """Record the approval of one new order; return the verdict, or a refusal as above."""
        if isinstance(verdict, Refused):
            return verdict
        record = _of_one("submit", verdict.value, verdict.value.quantity, now_ns)
        return verdict if self._supervisor.record(record, now_ns) else _unless_opening(verdict, "submission")

    def of_change(
        self, verdict: Decision[OrderIntent], total_quantity: int, now_ns: int
    ) -> Decision[OrderIntent]:
        """Record the approval of a change to `total_quantity`; return the verdict, or a refusal as above."""
        if isinstance(verdict, Refused):
            return verdict
        record = _of_one("modify", verdict.value, total_quantity, now_ns)
        return verdict if self._supervisor.record(record, now_ns) else _unless_opening(verdict, "change")

    def of_cancel(
        self, order_ids: Sequence[str], *, strategy_id: str, instrument_id: str, now_ns: int
    ) -> None:
        """Record a cancel; it passes whether or not that succeeds."""
        if order_ids:
            record = ApprovalRecord(
                ts_ns=now_ns,
                command="cancel",
                client_order_ids=tuple(order_ids),
                strategy_id=strategy_id,
                instrument_id=instrument_id,
            )
            self._supervisor.record(record, now_ns)


def _of_one(
    command: Literal["submit", "modify"], intent: OrderIntent, quantity: int, now_ns: int
) -> ApprovalRecord:
    return ApprovalRecord(  # by position, for speed
        now_ns,
        command,
        (intent.order_id,),
        intent.strategy_id,
        intent.terms.instrument_id,
        quantity,
        intent.limit_price,
        intent.trigger_price,
    )


def _unless_opening(verdict: Approved[OrderIntent], command: str) -> Decision[OrderIntent]:
    """Return the verdict on a command whose approval is lost: only what lowers risk may pass."""
    if verdict.is_reducing:
        return verdict
    return Refused(
        rule=RECORDER_FAILURE,
        value=f"the approval of this {command} could not be recorded",
        limit="every approval is recorded before it passes",
        advice="Mend the journal (docs/runbooks/journal-cannot-be-written.md) and restart the node.",
    )
