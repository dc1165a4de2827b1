"""A small market that writes LOBSTER files: messages, and the order book rows after each of them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from tests.catalog.lobster.naive_book import Message, NaiveBook

OPEN_SECONDS = 34_200
NO_ASK, NO_BID = 9_999_999_999, -9_999_999_999


@dataclass
class LobsterMarket:
    """Messages of one instrument and day, consistent with the orders that they leave."""

    messages: list[Message]
    books: list[NaiveBook]

    @classmethod
    def of(cls, count: int, seed: int = 1) -> LobsterMarket:
        """Orders rest around 500.00 USD; they are added, reduced, deleted and executed, some hidden."""
        chance = random.Random(seed)
        book = NaiveBook()
        live: dict[int, Message] = {}
        messages: list[Message] = []
        books = []
        for order_id in range(1, count + 1):
            kind = chance.choice((1, 1, 2, 3, 4, 5)) if len(live) > 20 else 1
            if kind == 1:
                side = chance.choice((1, -1))
                price = 5_000_000 - side * 100 * chance.randint(1, 12)
                message = (1, order_id, chance.randint(2, 9) * 10, price, side)
                live[order_id] = message
            elif kind == 5:
                message = (5, 0, 7, 5_000_050, chance.choice((1, -1)))
            else:
                _, known, size, price, side = live.pop(chance.choice(list(live)))
                taken = size // 2 if kind == 2 else size
                message = (kind, known, taken, price, side)
                if kind == 2:
                    live[known] = (1, known, size - taken, price, side)
            book.apply(order_id - 1, message)
            messages.append(message)
            books.append(NaiveBook(levels=book.open_levels()))
        return cls(messages, books)

    def row(self, at: int, levels: int) -> list[int]:
        """The order book row after message `at`."""
        held = self.books[at].open_levels()
        asks = sorted((price, size) for (side, price), size in held.items() if side == -1)[:levels]
        bids = sorted(((price, size) for (side, price), size in held.items() if side == 1), reverse=True)[
            :levels
        ]
        asks += [(NO_ASK, 0)] * (levels - len(asks))
        bids += [(NO_BID, 0)] * (levels - len(bids))
        return [cell for ask, bid in zip(asks, bids, strict=True) for cell in (*ask, *bid)]

    def write(self, folder: Path, *, levels: int, book_rows: int | None, symbol: str = "TEST") -> Path:
        """Write the message file, and so many order book rows (None: no file); return the message file."""
        path = folder / f"{symbol}_2012-06-21_34200000_57600000_message_{levels}.csv"
        lines = [
            f"{OPEN_SECONDS + at // 3}.{at // 3:09d},{kind},{order_id},{size},{price},{side}"
            for at, (kind, order_id, size, price, side) in enumerate(self.messages)
        ]
        path.write_text("\n".join(lines) + "\n")
        if book_rows is not None:
            rows = [",".join(map(str, self.row(at, levels))) for at in range(book_rows)]
            path.with_name(path.name.replace("message", "orderbook")).write_text("\n".join(rows) + "\n")
        return path
