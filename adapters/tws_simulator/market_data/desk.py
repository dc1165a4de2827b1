"""The market data component: the feed's clockwork, all kinds of subscriptions, and the market of orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from adapters.tws_simulator.broker import Broker
from adapters.tws_simulator.component import Component, ControlCommand, Handler
from adapters.tws_simulator.contracts.desk import ContractDesk
from adapters.tws_simulator.interfaces import Print, Quote
from adapters.tws_simulator.market_data import control
from adapters.tws_simulator.market_data.calculator import Calculator
from adapters.tws_simulator.market_data.depth import Depth
from adapters.tws_simulator.market_data.history import History
from adapters.tws_simulator.market_data.lines import COMPETING_SESSION, Entitlements
from adapters.tws_simulator.market_data.origin import MarketOrigin
from adapters.tws_simulator.market_data.prices import MarketPrices
from adapters.tws_simulator.market_data.real_time_bars import RealTimeBars
from adapters.tws_simulator.market_data.settings import MarketDataSettings
from adapters.tws_simulator.market_data.standing_requests import MarketAccess
from adapters.tws_simulator.market_data.tick_by_tick import TickByTick
from adapters.tws_simulator.market_data.top_of_book import TopOfBook
from adapters.tws_simulator.messages import Message
from adapters.tws_simulator.session.sessions import Session

FEED_GRAIN_NS = 1_000_000
"""Real time: ticks that are closer than this leave together, because a wake-up costs more than a tick."""

OPTIONS_INTERVAL_NS = 100_000_000
"""Real time: how often watched options follow their underlyings."""


class MarketDesk(Component):
    """Implements `interfaces.Market` and `interfaces.Subscriptions`.

    `origin` says where prices come from; without one nothing moves but by hand (`set_quote`).
    """

    def __init__(
        self,
        broker: Broker,
        universe: ContractDesk,
        *,
        origin: MarketOrigin | None = None,
        settings: MarketDataSettings | None = None,
    ) -> None:
        super().__init__(broker)
        self.settings = settings or MarketDataSettings()
        self._feed = origin.feed if origin else None
        self.prices = MarketPrices(
            universe.universe,
            origin.names if origin else {},
            origin.history if origin else None,
            now_ns=lambda: broker.market_ns,
            depth_levels=self.settings.synthetic.depth_levels,
        )
        self.entitlements = Entitlements(self.settings)
        self._silent: set[int | None] = set()
        access = MarketAccess(broker, self.prices, self.entitlements, self.settings, self._is_silent)
        self.lines, self.ticks, self.depth = TopOfBook(access), TickByTick(access), Depth(access)
        self.history = History(broker, self.prices, settings=self.settings.history)
        self.bars = RealTimeBars(access)
        self._calculator = Calculator(broker, self.prices)
        self._fed_ns = 0
        self._start(origin)

    # ------------------------------------------------------------------ Component

    def handlers(self) -> Mapping[int, Handler]:
        """Return the requests for prices of all kinds."""
        found: dict[int, Handler] = {}
        for part in (self.lines, self.ticks, self.depth, self.history, self.bars, self._calculator):
            found.update(part.handlers())
        return found

    def commands(self) -> Mapping[str, ControlCommand]:
        """Return the commands of tests: prices by hand, resets and halts of depth, a competing session."""
        return {
            "set_quote": ControlCommand(control.SetQuote, self._set_quote),
            "release_quote": ControlCommand(control.OneListing, self._release_quote),
            "quote": ControlCommand(control.OneListing, self._show_quotes),
            "reset_depth": ControlCommand(control.OneListing, lambda wish: self.depth.reset(wish.con_id)),
            "halt_depth": ControlCommand(control.OneListing, lambda wish: self.depth.halt(wish.con_id)),
            "competing_session": ControlCommand(control.Competition, self._compete),
        }

    def session_ended(self, session: Session) -> None:
        """Forget a session's subscriptions."""
        for part in (self.lines, self.ticks, self.depth, self.history, self.bars):
            part.session_ended(session)

    def restarted(self) -> None:
        """Forget every subscription."""
        self.drop_all()

    def truth(self) -> Mapping[str, Any]:
        """Return how many subscriptions of each kind there are, and the listings held by hand."""
        return {"subscriptions": self._counts(None), "held_quotes": sorted(self.prices.held)}

    # ------------------------------------------------------------------ interfaces.Market

    def quote(self, con_id: int) -> Quote | None:
        """Return the quote of a listing, None when nothing was ever quoted."""
        return self.prices.quote(con_id)

    def combination_quote(self, contract: Message) -> Quote | None:
        """Return the quote of a BAG, each leg at the side it would trade; None when a leg has none."""
        return self.prices.combination_quote(contract)

    def mark(self, con_id: int) -> Decimal | None:
        """Return the price that positions are valued at: mid, else last, else None."""
        return self.prices.mark(con_id)

    def set_quote(self, con_id: int, quote: Quote) -> None:
        """Replace a quote now and hold it; listeners and subscribers are told, watched options follow."""
        self.prices.set_quote(con_id, quote)
        self.prices.options.refresh(self.broker.market_ns, skip=self.prices.held)

    def on_quote(self, listener: Callable[[int, Quote], None]) -> None:
        """Call `listener(con_id, quote)` after every change of a quote."""
        self.prices.on_quote(listener)

    def on_print(self, listener: Callable[[Print], None]) -> None:
        """Call `listener(trade)` after every trade of the market."""
        self.prices.on_print(listener)

    # ------------------------------------------------------------------ interfaces.Subscriptions

    def silence(self, con_id: int | None, *, is_silent: bool) -> None:
        """Stop or resume sending data of a listing (None for all) while subscriptions stay."""
        if is_silent:
            self._silent.add(con_id)
        elif con_id is None:
            self._silent.clear()
        else:
            self._silent.discard(con_id)

    def drop_all(self) -> None:
        """Forget every subscription, as TWS does when it reports 1101."""
        for part in (self.lines, self.ticks, self.depth, self.history, self.bars):
            part.drop_all()

    def session_subscriptions(self, session: Session) -> dict[str, int]:
        """Return how many subscriptions of each kind a session holds."""
        return self._counts(session)

    # ------------------------------------------------------------------ the feed

    def _start(self, origin: MarketOrigin | None) -> None:
        if origin is not None:
            for con_id in origin.recorded_depth:
                self.prices.books.clear(con_id)
            origin.begin(self.broker.market_ns)
            self.prices.start(self.broker.market_ns)
            self._feed_next()
        self.broker.call_after(OPTIONS_INTERVAL_NS, self._follow_options)

    def _feed_next(self) -> None:
        assert self._feed is not None
        next_ns = self._feed.next_ns()
        if next_ns is not None:
            grain_ns = round(FEED_GRAIN_NS * self.broker.clock.speed)
            self.broker.call_at_market(max(next_ns, self._fed_ns + grain_ns), self._run_feed)

    def _run_feed(self) -> None:
        assert self._feed is not None
        self._fed_ns = self.broker.market_ns
        self._feed.run(self.prices, self._fed_ns)
        self._feed_next()

    def _follow_options(self) -> None:
        self.prices.options.refresh(self.broker.market_ns, skip=self.prices.held)
        self.broker.call_after(OPTIONS_INTERVAL_NS, self._follow_options)

    # ------------------------------------------------------------------ inside

    def _is_silent(self, con_id: int | None) -> bool:
        return bool(self._silent) and (con_id in self._silent or None in self._silent)

    def _counts(self, session: Session | None) -> dict[str, int]:
        return {
            "lines": self.lines.count(session),
            "tick_by_tick": self.ticks.count(session),
            "depth": self.depth.count(session),
            "history": self.history.count(session),
            "real_time_bars": self.bars.count(session),
        }

    def _set_quote(self, wish: control.SetQuote) -> object:
        if self.prices.universe.listing(wish.con_id) is None:
            raise ValueError(f"con_id {wish.con_id} is not in the universe")
        before = self.prices.quote(wish.con_id) or Quote()
        given = {
            name: value
            for name in ("bid", "ask", "bid_size", "ask_size", "last", "last_size")
            if (value := getattr(wish, name)) is not None
        }
        kept = {name: getattr(before, name) for name in Quote.__slots__ if name not in given}
        quote = Quote(**{**kept, **given, "ts_ns": self.broker.market_ns})
        self.set_quote(wish.con_id, quote)
        if not wish.is_held:
            self.prices.release(wish.con_id)
        return None

    def _release_quote(self, wish: control.OneListing) -> object:
        for con_id in [wish.con_id] if wish.con_id is not None else list(self.prices.held):
            self.prices.release(con_id)
        return None

    def _show_quotes(self, wish: control.OneListing) -> object:
        board = self.prices.board.quotes
        chosen = list(board) if wish.con_id is None else [wish.con_id]
        quotes = {str(con_id): self.quote(con_id) for con_id in chosen}
        return msgspec.to_builtins(quotes)

    def _compete(self, wish: control.Competition) -> object:
        self.entitlements.has_competing_session = wish.is_competing
        if wish.is_competing:
            self.lines.refuse_all(10197, COMPETING_SESSION)
        return None
