"""A venue that rejects, hangs, fills partly and reports legs late: what a flattening has to end flat with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from risk.closings import Closing, Held, Marketplace
from risk.flatten import Scene, Working
from risk.intent import InstrumentTerms

Answer = Literal["fill", "part", "reject", "rest", "hang", "late"]
"""To a closing order: fill it, half of it, refuse it, let it rest, let it rest deaf to cancels, or fill a
spread whose legs are reported later."""
ANSWERS: tuple[Answer, ...] = ("fill", "part", "reject", "rest", "hang", "late")
LATE_ROUNDS = 3
GRACE_ROUNDS = 2


class Resting(msgspec.Struct):
    """An order in the venue: signed quantity, whether it hears cancels, when it ended."""

    terms: InstrumentTerms
    quantity: int
    is_deaf: bool = False
    is_ours: bool = False
    is_market: bool = False
    ended_round: int | None = None


class UnrulyVenue:
    """One strategy's account: `truth` is what is held, `seen` what has been reported of it."""

    def __init__(self, held: dict[InstrumentTerms, int], answers: Iterator[Answer]) -> None:
        self.terms = {terms.instrument_id: terms for terms in held}
        self.truth = {terms.instrument_id: count for terms, count in held.items()}
        self.seen = dict(self.truth)
        self.sides = {name: (count > 0) - (count < 0) for name, count in self.truth.items()}
        self.orders: dict[str, Resting] = {}
        self.is_open = True
        self._answers = answers
        self._due: list[tuple[int, str, str, int]] = []
        self._round = 0

    def scene(self, spreads: Sequence[InstrumentTerms], quote: object) -> Scene:
        """Return what the gate and Nautilus know now."""
        due = {order_id for _, order_id, _, _ in self._due}
        return Scene(
            held=[Held("S", self.terms[name], count) for name, count in self.seen.items() if count],
            working=[
                Working(
                    order_id=order_id,
                    strategy_id="S",
                    terms=each.terms,
                    quantity=each.quantity,
                    is_open=each.ended_round is None,
                    is_due=order_id in due,
                    only_closes=self._only_closes(each),
                    is_ours=each.is_ours,
                    is_market=each.is_market,
                )
                for order_id, each in self.orders.items()
            ],
            market=Marketplace(quote=lambda _: quote, spreads=spreads, is_open=self.is_open),  # type: ignore[arg-type, return-value]
        )

    def close(self, closing: Closing) -> None:
        """Take a closing order and answer it."""
        assert self.is_open
        assert closing.quantity > 0
        signed = closing.quantity if closing.side == "buy" else -closing.quantity
        is_market = closing.limit_price is None
        order_id, answer = f"K-{len(self.orders)}-{self._round}", next(self._answers, "fill")
        order = Resting(closing.terms, signed, is_ours=True, is_market=is_market)
        if answer == "reject":
            return
        self.orders[order_id] = order
        order.is_deaf = answer == "hang"
        if answer == "part":
            self._fill(order_id, signed - signed // 2, is_late=False)
        elif answer in ("fill", "late"):
            self._fill(order_id, signed, is_late=answer == "late" and closing.terms.kind == "spread")

    def cancel(self, order_id: str) -> None:
        """Take a cancel: a deaf order works on."""
        order = self.orders[order_id]
        if not order.is_deaf and order.ended_round is None:
            order.ended_round = self._round

    def pass_round(self, fills: bool) -> None:
        """Let a second pass: reports arrive, canceled orders go, and with `fills` one order fills."""
        self._round += 1
        for due in [each for each in self._due if each[0] <= self._round]:
            self._due.remove(due)
            self.seen[due[2]] += due[3]
        working = [order_id for order_id, each in self.orders.items() if each.ended_round is None]
        if fills and working:
            self._fill(working[0], self.orders[working[0]].quantity, is_late=False)
        late = {order_id for _, order_id, _, _ in self._due}
        for order_id, each in list(self.orders.items()):
            is_over = each.ended_round is not None and self._round - each.ended_round >= GRACE_ROUNDS
            if is_over and order_id not in late:
                del self.orders[order_id]

    def mend(self) -> None:
        """Hear every cancel and fill every order from now on."""
        self._answers = iter(())
        for each in self.orders.values():
            each.is_deaf = False

    # -- Inside -----------------------------------------------------------------------------------

    def _fill(self, order_id: str, signed: int, *, is_late: bool) -> None:
        order = self.orders[order_id]
        order.quantity -= signed
        if not order.quantity:
            order.ended_round = self._round - GRACE_ROUNDS
        for leg in order.terms.components:
            name = leg.terms.instrument_id
            self.truth[name] += signed * leg.ratio
            if is_late:
                self._due.append((self._round + LATE_ROUNDS, order_id, name, signed * leg.ratio))
            else:
                self.seen[name] += signed * leg.ratio
        if not order.quantity and not is_late:
            del self.orders[order_id]

    def _only_closes(self, order: Resting) -> bool:
        return all(
            self.seen[leg.terms.instrument_id] * order.quantity * leg.ratio < 0
            for leg in order.terms.components
        )
