"""Decides on every command and books every event: the whole gate, without Nautilus.

The order of a decision: IB's rule book (an order that the broker would refuse), then whether it only
lowers risk (it passes), then the policy's rules. What passes is reserved before the verdict returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from risk.account import Account
from risk.counted import counted
from risk.decision import Approved, Decision, Refused
from risk.ib_requirement import Occasion
from risk.ib_rule_book import DUPLICATE_ORDER_ID, MODIFY_FINISHED, validate
from risk.intent import InstrumentTerms, OrderIntent
from risk.performance import Fill
from risk.policy import Policy
from risk.reservation import MAX_PENDING_CHANGES


class Gatekeeper:
    """One account behind one policy. Times are ns UTC; quantities shares or contracts."""

    def __init__(self, account: Account, policy: Policy) -> None:
        self.account = account
        self.policy = policy

    # -- Commands ---------------------------------------------------------------------------------

    def submit(self, intents: Sequence[OrderIntent], now_ns: int) -> list[Decision[OrderIntent]]:
        """Return a verdict for each new order; of a list with one refused order all are refused."""
        verdicts: list[Decision[OrderIntent]] = []
        for intent in intents:
            verdict = self.submit_one(intent, now_ns)
            verdicts.append(verdict)
            if isinstance(verdict, Refused):
                return self._refuse_list(intents, verdicts, verdict)
        return verdicts

    def submit_one(self, intent: OrderIntent, now_ns: int) -> Decision[OrderIntent]:
        """Return the verdict for a new order, reserved and counted when it is approved."""
        account = self.account
        account.ledger.release_expired(now_ns)
        account.roll_day(now_ns)
        account.attempts.add(now_ns)
        if account.sent.has_order(intent.order_id):
            return Refused(
                rule="ib_duplicate_id",
                value=intent.order_id,
                limit="each order id once",
                advice="Do not resend; ask for the order's state instead.",
                ib_code=DUPLICATE_ORDER_ID,
            )
        verdict = self._judge(intent, now_ns)
        if isinstance(verdict, Approved):
            account.ledger.reserve(intent)
            account.orders.add(now_ns)
            account.sent.remember(intent, now_ns)
        return verdict

    def change(self, intent: OrderIntent, total_quantity: int, now_ns: int) -> Decision[OrderIntent]:
        """Return the verdict on a modification.

        `intent` is the order as it would work; `total_quantity` counts what is filled already.
        """
        ledger = self.account.ledger
        ledger.release_expired(now_ns)
        verdict = self._judge_change(intent, now_ns)
        if isinstance(verdict, Approved):
            reservation = ledger.reservations[intent.order_id]
            reservation.is_trigger_moved |= reservation.may_trigger_otherwise(intent)
            ledger.reserve_change(intent.order_id, total_quantity, intent.price)
            self.account.replaces.add(now_ns)
        return verdict

    def cancel(self, order_id: str, now_ns: int) -> None:
        """Note a cancel: it always passes, and counts as a replace."""
        self.account.ledger.cancel_requested(order_id)
        self.account.replaces.add(now_ns)

    def _judge_change(self, intent: OrderIntent, now_ns: int) -> Decision[OrderIntent]:
        reservation = self.account.ledger.reservations.get(intent.order_id)
        if reservation is None or not reservation.is_open:
            return Refused(
                rule="ib_modify",
                value=f"order {intent.order_id} is finished or unknown",
                limit="a working order",
                advice="Send a new order instead.",
                ib_code=MODIFY_FINISHED,
            )
        verdict = self._judge(intent, now_ns)
        is_opening = isinstance(verdict, Approved) and not verdict.is_reducing
        if is_opening and len(reservation.pending) >= MAX_PENDING_CHANGES:
            return Refused(
                rule="pending_changes",
                value=counted(len(reservation.pending), "unanswered modification"),
                limit=f"{MAX_PENDING_CHANGES}",
                advice="Wait for the broker's answers.",
            )
        return verdict

    def _judge(self, intent: OrderIntent, now_ns: int) -> Decision[OrderIntent]:
        account = self.account
        reduces = False
        try:
            reduces = account.is_reducing(intent) or (intent.replaces and self._only_lowers(intent))
            session = account.market.session(now_ns)
            invalid = validate(intent, Occasion(now_ns, session.day))
            if invalid is not None:
                return invalid
            if reduces:
                if account.flattenings and account.yields_to_kill_switch(intent):
                    return _yield(intent)
                return Approved(intent, is_reducing=True)
            snapshot = account.snapshot(intent, session, now_ns)
        except Exception as error:  # noqa: BLE001 - the border: what cannot be judged is refused
            if reduces:  # a fault in the rule book must not trap a position
                return Approved(intent, is_reducing=True)
            return Refused(
                rule="judgement",
                value=f"{type(error).__name__}: {error}",
                limit="a complete picture",
                advice="What cannot be judged is refused; report it with this text.",
            )
        return self.policy.decide(intent, snapshot)

    def _only_lowers(self, intent: OrderIntent) -> bool:
        """Whether a modification takes quantity away at the same prices, or at a buy limit's lower one.

        Any other price may fire at once, or make more of what a short sale is worth. An entry must not
        become smaller than what its bracket's children close.
        """
        ledger = self.account.ledger
        reservation = ledger.reservations[intent.order_id]
        total = intent.quantity + reservation.filled
        if ledger.closed_by_children(intent.order_id) > total:
            return False
        if intent.limit_price is not None and reservation.may_trigger_otherwise(intent):
            return False
        known = [(reservation.quantity, reservation.price), *reservation.pending]
        return all(total <= quantity and _is_no_worse(intent, price) for quantity, price in known)

    def _refuse_list(
        self,
        intents: Sequence[OrderIntent],
        verdicts: Sequence[Decision[OrderIntent]],
        refused: Refused,
    ) -> list[Decision[OrderIntent]]:
        culprit = intents[len(verdicts) - 1].order_id
        for intent in intents[: len(verdicts) - 1]:
            self.account.ledger.closed(intent.order_id, 0, may_fill_late=False)
            self.account.sent.forget(intent.order_id, 0)
            self.account.orders.take_back()
        others = msgspec.structs.replace(
            refused,
            rule="order_list",
            value=f"order {culprit} of the list broke {refused.rule}",
            ib_code=None,
        )
        return [refused if intent.order_id == culprit else others for intent in intents]

    # -- Events -----------------------------------------------------------------------------------

    def filled(self, order_id: str, trade_id: str, fill: Fill, now_ns: int) -> None:
        """Book an execution once, however often it is reported."""
        account = self.account
        if not account.ledger.is_new_fill(order_id, fill.terms.instrument_id, trade_id):
            return
        account.sent.recall(order_id)
        account.roll_day(now_ns)
        if fill.terms.kind != "spread":  # of a spread its legs make the positions and the money
            account.performance.apply(fill, now_ns)
        signed = fill.signed_quantity
        paid = signed * fill.price * fill.terms.multiplier
        account.ledger.filled(order_id, fill.strategy_id, fill.terms, signed, paid_usd=paid)

    def changed(self, order_id: str, quantity: int, price: Decimal | None, ts_ns: int) -> None:
        """Book the broker's acceptance of a modification."""
        self.account.ledger.changed(order_id, quantity, price, ts_ns)

    def change_rejected(self, order_id: str, ts_ns: int) -> None:
        """Book the broker's refusal, of `ts_ns`, of a modification."""
        self.account.ledger.change_rejected(order_id, ts_ns)

    def rejected(self, order_id: str, now_ns: int, *, is_certain: bool = False) -> None:
        """Book the refusal of an order; as soon as it counts no more, its decision may be sent again.

        `is_certain` says that the broker itself refused it, before it worked. A refusal that is only
        supposed (an answer that never came), or of an order that worked, leaves it to count for the grace
        period, because it may be alive.
        """
        account = self.account
        account.rejects.add(now_ns)
        reservation = account.ledger.reservations.get(order_id)
        if reservation is None:
            return
        may_fill_late = not is_certain or reservation.filled > 0
        account.sent.forget(order_id, now_ns + account.ledger.grace_ns if may_fill_late else now_ns)
        if may_fill_late or reservation.is_open:
            account.ledger.closed(order_id, now_ns, may_fill_late=may_fill_late, may_work_on=may_fill_late)
        else:  # supposed before, certain now
            account.ledger.release(order_id)

    def ended(self, order_id: str, now_ns: int) -> None:
        """Book the end of a canceled or expired order; a fill may still arrive."""
        self.account.ledger.closed(order_id, now_ns, may_fill_late=True)

    def finished(self, order_id: str, now_ns: int) -> None:
        """Book the end of an order that is filled, or was denied before it left.

        While a modification is unanswered the broker may work on what grew: that counts for the grace period.
        """
        ledger = self.account.ledger
        grows = ledger.pending_changes(order_id) > 0
        ledger.closed(order_id, now_ns, may_fill_late=False, may_work_on=grows)

    # -- Start ------------------------------------------------------------------------------------

    def adopt_position(
        self, strategy_id: str, terms: InstrumentTerms, quantity: int, average_price: Decimal
    ) -> None:
        """Take over a position found at start."""
        account = self.account
        account.ledger.filled("", strategy_id, terms, quantity)
        account.performance.adopt(strategy_id, terms, quantity, average_price)

    def adopt_order(self, intent: OrderIntent, *, filled: int) -> None:
        """Take over a working order found at start."""
        self.account.ledger.reserve(intent, filled=filled)
        self.account.sent.remember(intent, 0)


def _yield(intent: OrderIntent) -> Refused:
    return Refused(
        rule="flattening",
        value=f"the kill switch closes {intent.terms.symbol}",
        limit="one that closes",
        advice="Send nothing; it cancels your orders there and closes your position itself.",
    )


def _is_no_worse(intent: OrderIntent, old: Decimal | None) -> bool:
    """Whether a modification has the old price, or is a buy limit with a lower one."""
    new = intent.price
    if old == new:
        return True
    is_buy_limit = intent.side == "buy" and intent.order_type == "limit"
    return is_buy_limit and old is not None and new is not None and new < old
