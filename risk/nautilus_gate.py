"""The one door: a handler at the bus endpoint `ExecEngine.execute` that every command passes.

Strategies, Nautilus' RiskEngine, its order emulator, execution algorithms, contingent orders and
`market_exit` all send there, in BacktestEngine, BacktestNode and TradingNode alike. The handler asks the
`Gatekeeper` and forwards what is approved; a refused order gets `OrderDenied`, a refused modification
`OrderModifyRejected`, with rule, value and limit. Cancels always pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from market.errors import UserError
from market.session_windows import SessionRules
from risk.account import Account
from risk.approvals import Approvals
from risk.breaker import Breaker
from risk.breaker_file import BreakerFile, BreakerRecord
from risk.closings import Leftover
from risk.counted import counted
from risk.decision import Approved, Decision, Refused
from risk.flatten import Flattening, FlattenReport
from risk.gatekeeper import Gatekeeper
from risk.ib_rule_book import MODIFY_MISMATCH
from risk.intent import OrderIntent
from risk.limits import UNIVERSE, RiskLimits
from risk.nautilus_adoption import Adoption
from risk.nautilus_intents import InstrumentBook, intent_of, whole
from risk.nautilus_kill_switch import KillSwitch
from risk.nautilus_market_view import GreeksSource, NautilusMarketView
from risk.nautilus_order_events import OrderEvents
from risk.nautilus_reconciliation import end_orders, set_positions
from risk.nautilus_refusals import UNJUDGED, Answers, Refusals, unreadable
from risk.nautilus_watch import Watch
from risk.notices import Notice
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
        self.adoption = Adoption(kernel, supervisor, instruments, read_order=self._intent)
        self.watch = Watch(kernel, supervisor, instruments, positions=self.adoption.look)
        self._refusals = Refusals(kernel, supervisor)
        self.events = OrderEvents(
            kernel, supervisor, self.adoption, self._refusals, on_position=self.watch.follow
        )
        supervisor.executor = self.kill_switch
        supervisor.on_notice = self._tell
        self.kill_switch.on_start = self._on_flatten_start
        self.kill_switch.on_report = self._on_flatten_report
        self.kill_switch.on_stuck = self._on_stuck_orders
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
            self.adoption.adopt_order(order)
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
        intent = intent_of(order, self.instruments.terms(order.instrument_id), self._honours_oca)
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

    # -- Start ------------------------------------------------------------------------------------

    def adopt_cache(self) -> list[str]:
        """Make positions and open orders those of Nautilus' cache; return what was changed, in words."""
        changes = end_orders(self.keeper, self._cache, self._clock.timestamp_ns())
        changes += set_positions(self.keeper, self.adoption.look())
        for lot in list(self.keeper.account.performance.lots.values()):
            self.watch.follow(lot.terms)
        return changes

    def command(self, command: OperatorCommand) -> CommandRecord:
        """Carry out an operator's command; raises `UserError` for one that cannot be."""
        return carry_out(command, self.supervisor, self.kill_switch, self._clock.timestamp_ns())

    def _on_flatten_start(self, flattening: Flattening) -> None:
        symbols, now_ns = flattening.symbols, flattening.started_ns
        outcome = "closing " + ("everything" if symbols is None else ", ".join(sorted(symbols)))
        self._record("flatten_start", outcome, now_ns, by=flattening.by, reason=flattening.reason)

    def _on_flatten_report(self, report: FlattenReport) -> None:
        left = "; ".join(map(_left, report.left))
        goes_on = "ended" if report.is_over else "tried again every minute"
        rounds = counted(report.rounds, "round")
        outcome = "flat" if report.is_flat else f"NOT FLAT after {rounds}, {goes_on}: {left}"
        self._record("flatten_report", outcome, report.ended_ns, by=report.by, reason=report.reason)

    def _on_stuck_orders(self, order_ids: tuple[str, ...], now_ns: int) -> None:
        reason = "the HALT cancels what could open, again and again"
        outcome = f"NOT CANCELED: {', '.join(order_ids)}. Cancel them in TWS."
        self._record(
            "halt_cancels", outcome, now_ns, by=self.keeper.account.breaker.changed_by, reason=reason
        )

    def _record(self, command: str, outcome: str, now_ns: int, *, by: str, reason: str) -> None:
        record = CommandRecord(ts_ns=now_ns, command=command, by=by, reason=reason, outcome=outcome)
        self.supervisor.record_command(record)

    def _tell(self, notice: Notice) -> None:
        """Write to the node's log what a person should see while it happens."""
        (self._log.error if notice.is_urgent else self._log.warning)(f"Risk gate: {notice.text}")

    def confirm_reconciled(self, *, reason: str) -> None:
        """Say that Nautilus' cache agrees with the broker: ends the SAFE_MODE of the start.

        The gate's positions and orders become the cache's; what that changes is recorded.
        """
        now_ns = self._clock.timestamp_ns()
        changes = self.adopt_cache()
        if changes:
            self._record("reconcile", "; ".join(changes), now_ns, by="reconciliation", reason=reason)
        self.supervisor.confirm_reconciled(now_ns, reason=reason)

    def install(self) -> None:
        """Put the gate in the door; raises KeyError or ValueError when another handler stands there."""
        self._bus.deregister(endpoint=EXECUTE_ENDPOINT, handler=self._engine.execute)
        self._bus.register(endpoint=EXECUTE_ENDPOINT, handler=self.execute)


def _pass(_command: Any) -> Answers:
    return None


def _left(each: Leftover) -> str:
    """Say whose position, or which order, is left, and why."""
    owner = f" of {each.strategy_id}" if each.strategy_id else ""
    return f"{each.quantity} {each.instrument_id}{owner}: {each.why}"


class GateSetup(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate is made of.

    `universe` are the symbols of the profile, the whitelist when `limits.allowed_symbols` says so.
    `breaker_path` keeps the breaker over restarts; a live node must have one, a backtest needs none.
    `calendar` and `greeks` replace the exchange calendar and the unknown greeks. `has_timer` looks once a
    second at data, connection, orders and positions; None: everywhere but in a backtest, where it waits
    for a fill. `on_order` hears of every new order, whoever sent it, before it is judged.
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
    one in SAFE_MODE (or in the HALT it was left in) until `Gate.confirm_reconciled`. Raises `UserError`
    when a live one could not keep a HALT over its restart.
    """
    kernel = getattr(target, "kernel", target)
    is_backtest = kernel.environment == Environment.BACKTEST
    if kernel.environment == Environment.LIVE and setup.breaker_path is None:
        raise UserError(
            "A live node has no breaker_path, so it would forget a HALT when it restarts. "
            "Give GateSetup the path of a file that stays."
        )
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
    if not is_backtest:  # whose clock stands in 1970 yet
        account.roll_day(now_ns)
    gate.adopt_cache()
    supervisor.enforce_halt()
    if not is_backtest and setup.has_timer is not False:
        gate.watch.start_timer()
    elif setup.has_timer:
        gate.watch.start_timer_at_fill()
    if is_backtest:
        gate.confirm_reconciled(reason="a backtest starts flat")
    return gate
