"""Starting the API, ids, accounts and time: what TWS answers before any order or price.

Known from captures and from clients that run against TWS: the order managed accounts, next valid id,
notices 2104, 2106, 2158; error 326 and the end of the connection on a client id in use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters.tws_simulator.broker import NO_REQUEST, Broker
from adapters.tws_simulator.component import Component, Handler, Refused
from adapters.tws_simulator.messages import IN, OUT, Message, message_type
from adapters.tws_simulator.session.sessions import TWS_CLIENT_ID, Session

FARM_NOTICES = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)
INVALID = "Error validating request.-'bW' : cause - "
CLIENT_ID_IN_USE = "Unable to connect as the client id is already in use. Retry with a unique client id."


class SessionDesk(Component):
    """Handles START_API, ids, managed accounts, time, log level, automatic binding of manual orders.

    `next_valid_id` is asked for at every NEXT_VALID_ID; the order desk provides it.
    """

    def __init__(self, broker: Broker, next_valid_id: Callable[[], int]) -> None:
        super().__init__(broker)
        self._next_valid_id = next_valid_id

    def handlers(self) -> Mapping[int, Handler]:
        """Return the requests of a session's life."""
        return {
            OUT.START_API: self._start_api,
            OUT.REQ_IDS: self._next_id,
            OUT.REQ_MANAGED_ACCTS: self._managed_accounts,
            OUT.REQ_CURRENT_TIME: self._current_time,
            OUT.REQ_CURRENT_TIME_IN_MILLIS: self._current_time_in_milliseconds,
            OUT.SET_SERVER_LOGLEVEL: self._nothing,
            OUT.REQ_AUTO_OPEN_ORDERS: self._bind_manual_orders,
            OUT.REQ_USER_INFO: self._user_info,
            OUT.REQ_FAMILY_CODES: self._family_codes,
        }

    def _start_api(self, session: Session, request: Message) -> None:
        if session.is_started:
            raise Refused(321, f"{INVALID}API was already started")
        if request.clientId < 0:
            raise Refused(321, f"{INVALID}Invalid client id")
        if not self.broker.start_session(session, request.clientId):
            self.broker.error(session, NO_REQUEST, 326, CLIENT_ID_IN_USE)
            self.broker.hang_up(session)
            return
        session.optional_capabilities = request.optionalCapabilities
        self._managed_accounts(session, request)
        self._next_id(session, request)
        for code, text in FARM_NOTICES:
            self.broker.error(session, NO_REQUEST, code, text)
        self.broker.announce(session)

    def _next_id(self, session: Session, _request: Message) -> None:
        self.broker.send(
            session, IN.NEXT_VALID_ID, message_type("NextValidId")(orderId=self._next_valid_id())
        )

    def _managed_accounts(self, session: Session, _request: Message) -> None:
        accounts = ",".join(self.broker.settings.session.accounts)
        self.broker.send(session, IN.MANAGED_ACCTS, message_type("ManagedAccounts")(accountsList=accounts))

    def _current_time(self, session: Session, _request: Message) -> None:
        seconds = self.broker.shown_ns // 1_000_000_000
        self.broker.send(session, IN.CURRENT_TIME, message_type("CurrentTime")(currentTime=seconds))

    def _current_time_in_milliseconds(self, session: Session, _request: Message) -> None:
        body = message_type("CurrentTimeInMillis")(currentTimeInMillis=self.broker.shown_ns // 1_000_000)
        self.broker.send(session, IN.CURRENT_TIME_IN_MILLIS, body)

    def _bind_manual_orders(self, session: Session, request: Message) -> None:
        if session.client_id != TWS_CLIENT_ID:
            raise Refused(
                321,
                f"{INVALID}Only the default client (i.e 0) can auto bind orders",
            )
        session.binds_manual_orders = request.autoBind

    def _user_info(self, session: Session, request: Message) -> None:
        body = message_type("UserInfo")(reqId=request.reqId, whiteBrandingId="")
        self.broker.send(session, IN.USER_INFO, body)

    def _family_codes(self, session: Session, _request: Message) -> None:
        body = message_type("FamilyCodes")()
        for account in self.broker.settings.session.accounts:
            body.familyCodes.add(accountId=account, familyCode="")
        self.broker.send(session, IN.FAMILY_CODES, body)

    def _nothing(self, _session: Session, _request: Message) -> None:
        """TWS answers nothing."""
