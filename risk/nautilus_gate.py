"""The one door: a handler at the bus endpoint `ExecEngine.execute` that every command passes.

Strategies, Nautilus' RiskEngine, its order emulator, execution algorithms, contingent orders and
`market_exit` all send there, in BacktestEngine, BacktestNode and TradingNode alike. The handler asks the
`Gatekeeper` and forwards what is approved; a refused order gets `OrderDenied`, a refused modification
`OrderModifyRejected`, with rule, value and limit. Cancels always pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from nautilus_trader.common import Environment
from nautilus_trader.execution.messages import (
    BatchCancelOrders,
    CancelAllOrders,
    CancelOrder,
    ModifyOrder,
    QueryAccount,
    QueryOrder,
    SubmitOrder,
    SubmitOrderList,
)
from nautilus_trader.model.enums import ContingencyType, OrderSide

from market.calendar import TradingCalendar
from market.session_windows import SessionRules
from risk.account import Account
from risk.approvals import Approvals
from risk.breaker import Breaker
from risk.breaker_file import BreakerFile, BreakerRecord
from risk.counted import counted
from risk.decision import Approved, Decision, Refused
from risk.flatten import Flattening, FlattenReport
from risk.gatekeeper import Gatekeeper
from risk.ib_rule_book import MODIFY_MISMATCH
from risk.intent import InstrumentTerms, OrderIntent
from risk.limits import UNIVERSE, RiskLimits
from risk.nautilus_intents import InstrumentBook, intent_of, whole
from risk.nautilus_kill_switch import KillSwitch
from risk.nautilus_market_view import GreeksSource, NautilusMarketView
from risk.nautilus_order_events import OrderEvents
from risk.nautilus_refusals import UNJUDGED, Answers, Refusals, unreadable
from risk.nautilus_watch import Watch
from risk.operator_commands import OperatorCommand, carry_out
from risk.policy import Policy
from risk.records import CommandRecord, MemoryRecorder, Recorder
from risk.supervisor import Supervisor

EXECUTE_ENDPOINT = "ExecEngine.execute"

OrderHandler = Callable[[Any], None]
"""Takes a Nautilus order."""


class Gate:
    """The shell around one `Gatekeeper` in one Nautilus kernel; made by `install_gate`."""

    def __init__(
        self,
        kernel: Any,
        supervisor: Supervisor,
        instruments: InstrumentBook,
        *,
        on_order: OrderHandler | None = None,
    ) -> None:
        self.supervisor = supervisor
        self.keeper: Gatekeeper = supervisor.keeper
        self.instruments = instruments
        self._clock = kernel.clock
        self._cache = kernel.cache
        self._bus = kernel.msgbus
        self._log = kernel.logger
        self.kill_switch = KillSwitch(kernel, self.keeper.account, instruments, self.execute)
        self.watch = Watch(kernel, supervisor, instruments, positions=self.cached_positions)
        self._refusals = Refusals(kernel, supervisor)
        self.events = OrderEvents(
            kernel, supervisor, instruments, on_position=self.watch.follow, is_own=self._refusals.is_own
        )
        supervisor.executor = self.kill_switch
        self.kill_switch.on_start = self._on_flatten_start
        self.kill_switch.on_report = self._on_flatten_report
        self._engine = kernel.exec_engine
        self._forward: Callable[[Any], None] = kernel.exec_engine.execute
        self._on_order = on_order
        self._approvals = Approvals(supervisor)
        self._honours_oca = kernel.environment != Environment.LIVE  # simulated venues do
        self._commands: dict[type, Callable[[Any], Answers]] = {
            SubmitOrder: self._on_submit,
            SubmitOrderList: self._on_submit_list,
            ModifyOrder: self._on_modify,
            CancelOrder: self._on_cancel,
            CancelAllOrders: self._on_cancel_all,
            BatchCancelOrders: self._on_batch_cancel,
            QueryOrder: _pass,
            QueryAccount: _pass,
        }

    # -- Commands ---------------------------------------------------------------------------------

    def execute(self, command: Any) -> None:
        """Judge one command; the handler of the endpoint.

        No fault of the gate leaves it as an exception, which would end a live node: what cannot be judged
        is refused, a cancel passes, and a fault halts. What a backtest's own strategies raise, called from
        within, comes through.
        """
        handler = self._commands.get(type(command))
        if handler is None:
            self._log.error(f"Gate refuses an unknown command {type(command).__name__}")
            return
        try:
            answers = handler(command)
        except Exception as error:  # noqa: BLE001 - the border: whatever fails here must not open
            answers = self._at_fault(command, error)
        if answers is None:
            self._forward(command)
        else:
            self._refusals.send(answers)

    def _at_fault(self, command: Any, error: Exception) -> Answers:
        """Refuse what could open and halt, unless it is only the order that cannot be read."""
        refused = unreadable(error)
        if refused.rule == UNJUDGED:
            self._refusals.halt(f"{type(command).__name__} could not be judged: {refused.value}")
        if isinstance(command, SubmitOrder):
            return self._refusals.deny_all([command.order], [refused])
        if isinstance(command, SubmitOrderList):
            orders = command.order_list.orders
            return self._refusals.deny_all(orders, [refused] * len(orders))
        return [] if isinstance(command, ModifyOrder) else None  # a modification is answered where it fails

    def _on_submit(self, command: Any) -> Answers:
        now_ns, order = self._clock.timestamp_ns(), command.order
        if self._on_order is not None:
            self._on_order(order)
        verdict = self.keeper.submit_one(self._intent(order), now_ns)
        self.supervisor.after_submission(now_ns)
        verdict = self._approvals.of_order(verdict, now_ns)
        return None if isinstance(verdict, Approved) else self._refusals.deny_all([order], [verdict])

    def _on_submit_list(self, command: Any) -> Answers:
        """Judge a list: it passes whole, or all of its orders are refused."""
        now_ns, orders = self._clock.timestamp_ns(), command.order_list.orders
        if self._on_order is not None:
            for order in orders:
                self._on_order(order)
        verdicts = self.keeper.submit([self._intent(order, orders) for order in orders], now_ns)
        self.supervisor.after_submission(now_ns)
        verdicts = self._approvals.of_submission(verdicts, now_ns)
        refusals = [verdict for verdict in verdicts if isinstance(verdict, Refused)]
        return self._refusals.deny_all(orders, refusals) if refusals else None

    def _on_modify(self, command: Any) -> Answers:
        now_ns = self._clock.timestamp_ns()
        order = self._cache.order(command.client_order_id)
        if order is None:
            self._log.error(f"Gate refuses to modify {command.client_order_id}: not in the cache")
            return []
        reserved: Decision[OrderIntent] | None = None
        try:
            self._adopt_unknown(order)
            intent, total = self._changed_intent(order, command)
            verdict = reserved = self._mismatch(order, command) or self.keeper.change(intent, total, now_ns)
            self.supervisor.after_commands(now_ns)
            verdict = self._approvals.of_change(verdict, total, now_ns)
        except Exception as error:  # noqa: BLE001 - the border: what cannot be judged is refused
            verdict = unreadable(error)
            if verdict.rule == UNJUDGED:
                self._refusals.halt(f"a modification could not be judged: {verdict.value}")
        if isinstance(verdict, Approved):
            return None
        if isinstance(reserved, Approved):
            self.keeper.account.ledger.withdraw_change(order.client_order_id.value)
        return self._refusals.reject_change(order, verdict)

    def _on_cancel(self, command: Any) -> Answers:
        self._note_cancels([command.client_order_id], command)
        return None

    def _on_batch_cancel(self, command: Any) -> Answers:
        self._note_cancels([cancel.client_order_id for cancel in command.cancels], command)
        return None

    def _on_cancel_all(self, command: Any) -> Answers:
        side = command.order_side
        fields = {"instrument_id": command.instrument_id, "strategy_id": command.strategy_id}
        orders = self._cache.orders_open(**fields) + self._cache.orders_inflight(**fields)
        named = [order for order in orders if side in (OrderSide.NO_ORDER_SIDE, order.side)]
        self._note_cancels(list(dict.fromkeys(order.client_order_id for order in named)), command)
        return None

    def _note_cancels(self, order_ids: list[Any], command: Any) -> None:
        now_ns = self._clock.timestamp_ns()
        names = [order_id.value for order_id in order_ids]
        for name in names:
            self.keeper.cancel(name, now_ns)
        self.supervisor.after_commands(now_ns)
        self._approvals.of_cancel(
            names,
            strategy_id=command.strategy_id.value,
            instrument_id=command.instrument_id.value,
            now_ns=now_ns,
        )

    def _intent(self, order: Any, siblings: Sequence[Any] = ()) -> OrderIntent:
        intent = intent_of(order, self.instruments.terms(order.instrument_id), honours_oca=self._honours_oca)
        if intent.protects_id is None or self._is_child(order, siblings):
            return intent
        return msgspec.structs.replace(intent, protects_id=None)

    def _is_child(self, order: Any, siblings: Sequence[Any]) -> bool:
        """Whether the venue holds the order until its parent fills: the parent must name it as its own."""
        parent = next((each for each in siblings if each.client_order_id == order.parent_order_id), None)
        if parent is None:
            parent = self._cache.order(order.parent_order_id)
        if parent is None or parent.contingency_type != ContingencyType.OTO:
            return False
        return order.client_order_id in (parent.linked_order_ids or ())

    def _changed_intent(self, order: Any, command: Any) -> tuple[OrderIntent, int]:
        intent = self._intent(order)
        total = whole(order.quantity if command.quantity is None else command.quantity)
        price, trigger = command.price, command.trigger_price
        changed = msgspec.structs.replace(
            intent,
            quantity=total - whole(order.filled_qty),
            limit_price=intent.limit_price if price is None else price.as_decimal(),
            trigger_price=intent.trigger_price if trigger is None else trigger.as_decimal(),
            replaces=True,
        )
        return changed, total

    def _mismatch(self, order: Any, command: Any) -> Refused | None:
        if command.instrument_id == order.instrument_id and command.strategy_id == order.strategy_id:
            return None
        return Refused(
            rule="ib_modify_mismatch",
            value=f"{command.strategy_id} for {command.instrument_id}",
            limit=f"{order.strategy_id} for {order.instrument_id}",
            advice="Modify an order as its own strategy and instrument.",
            ib_code=MODIFY_MISMATCH,
        )

    def _adopt_unknown(self, order: Any) -> None:
        if order.client_order_id.value not in self.keeper.account.ledger.reservations and order.is_open:
            self.keeper.adopt_order(self._intent(order), filled=whole(order.filled_qty))

    # -- Start ------------------------------------------------------------------------------------

    def adopt_cache(self) -> None:
        """Take over what Nautilus' cache holds and the ledger does not know: positions and open orders."""
        ledger = self.keeper.account.ledger
        for order in self._cache.orders_open() + self._cache.orders_inflight():
            if order.client_order_id.value not in ledger.reservations:
                self.keeper.adopt_order(self._intent(order), filled=whole(order.filled_qty))
        for (strategy_id, terms), (quantity, price) in self.cached_positions().items():
            missing = quantity - ledger.position(strategy_id, terms.instrument_id)
            if missing:
                self.keeper.adopt_position(strategy_id, terms, missing, price)

    def cached_positions(self) -> dict[tuple[str, InstrumentTerms], tuple[int, Decimal]]:
        """Return signed quantity and average price by strategy and instrument, as Nautilus has them."""
        positions: dict[tuple[str, InstrumentTerms], tuple[int, Decimal]] = {}
        for position in self._cache.positions_open():
            key = (position.strategy_id.value, self.instruments.terms(position.instrument_id))
            quantity = int(position.signed_decimal_qty())
            held, _ = positions.get(key, (0, Decimal(0)))
            positions[key] = (held + quantity, Decimal(str(position.avg_px_open)))
        return positions

    def command(self, command: OperatorCommand) -> CommandRecord:
        """Carry out an operator's command; raises `UserError` for one that cannot be."""
        return carry_out(command, self.supervisor, self.kill_switch, self._clock.timestamp_ns())

    def _on_flatten_start(self, flattening: Flattening) -> None:
        symbols = flattening.symbols
        record = CommandRecord(
            ts_ns=flattening.started_ns,
            command="flatten_start",
            by=flattening.by,
            reason=flattening.reason,
            outcome="closing " + ("everything" if symbols is None else ", ".join(sorted(symbols))),
        )
        self.supervisor.record(record, flattening.started_ns)

    def _on_flatten_report(self, report: FlattenReport) -> None:
        left = "; ".join(f"{each.quantity} {each.instrument_id}: {each.why}" for each in report.left)
        record = CommandRecord(
            ts_ns=report.ended_ns,
            command="flatten_report",
            by=report.by,
            reason=report.reason,
            outcome="flat" if report.is_flat else f"NOT FLAT after {counted(report.rounds, 'round')}: {left}",
        )
        self.supervisor.record(record, report.ended_ns)

    def confirm_reconciled(self, *, reason: str) -> None:
        """Say that positions and orders agree with the broker's: ends the SAFE_MODE of the start."""
        self.adopt_cache()
        self.supervisor.confirm_reconciled(self._clock.timestamp_ns(), reason=reason)

    def install(self) -> None:
        """Put the gate in the door; raises KeyError or ValueError when another handler stands there."""
        self._bus.deregister(endpoint=EXECUTE_ENDPOINT, handler=self._engine.execute)
        self._bus.register(endpoint=EXECUTE_ENDPOINT, handler=self.execute)


def _pass(_command: Any) -> Answers:
    return None


class GateSetup(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate is made of.

    `universe` are the symbols of the profile, the whitelist when `limits.allowed_symbols` says so.
    `breaker_path` keeps the breaker over restarts; None (backtests) keeps nothing. `calendar` and
    `greeks` replace the exchange calendar and the unknown greeks. `has_timer` looks once a second at
    data, connection and positions; None: everywhere but in a backtest, where it waits for a fill.
    `on_order` hears of every new order, whoever sent it, before it is judged.
    """

    limits: RiskLimits
    session_rules: SessionRules
    universe: tuple[str, ...]
    recorder: Recorder | None = None
    breaker_path: Path | None = None
    calendar: TradingCalendar | None = None
    greeks: GreeksSource | None = None
    has_timer: bool | None = None
    on_order: OrderHandler | None = None


def install_gate(target: Any, setup: GateSetup) -> Gate:
    """Put a gate in the door of `target` (an engine, a node's kernel or a TradingNode) and return it.

    Call it after the node is built and before it runs. A backtest's gate starts RUNNING; every other
    one in SAFE_MODE (or in the HALT it was left in) until `Gate.confirm_reconciled`.
    """
    kernel = getattr(target, "kernel", target)
    is_backtest = kernel.environment == Environment.BACKTEST
    file = None if setup.breaker_path is None else BreakerFile(setup.breaker_path)
    now_ns = kernel.clock.timestamp_ns()
    record = BreakerRecord(breaker=Breaker.at_start(now_ns)) if file is None else file.load(now_ns)
    instruments = InstrumentBook(kernel.cache)
    market = NautilusMarketView(
        kernel.cache, instruments, setup.session_rules, calendar=setup.calendar, greeks=setup.greeks
    )
    allowed = setup.universe if setup.limits.allowed_symbols == UNIVERSE else setup.limits.allowed_symbols
    account = Account(setup.limits, market, allowed_symbols=frozenset(allowed), record=record)
    keeper = Gatekeeper(account, Policy(setup.limits))
    supervisor = Supervisor(keeper, recorder=setup.recorder or MemoryRecorder(), file=file)
    gate = Gate(kernel, supervisor, instruments, on_order=setup.on_order)
    gate.install()
    gate.adopt_cache()
    if not is_backtest and setup.has_timer is not False:
        gate.watch.start_timer()
    elif setup.has_timer:
        gate.watch.start_timer_at_fill()
    if is_backtest:
        gate.confirm_reconciled(reason="a backtest starts flat")
    return gate
