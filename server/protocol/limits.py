"""The numbers of the wire contract that both ends must agree on.

Only what docs/protocol.md fixes stands here. What an operator may change (time-outs, queue sizes) is a setting
of the server, and reaches clients in `welcome.limits`.
"""

from __future__ import annotations

from typing import Final

TEXT_CODE_POINTS: Final = 4_000
NONCE_CHARACTERS: Final = 64
ID_CHARACTERS: Final = 64
LARGEST_INTEGER: Final = 2**53 - 1  # what every JSON reader can hold exactly (RFC 8259, section 6)
USER_NAME_CHARACTERS: Final = 32
USER_NAME_ALPHABET: Final = "[a-z0-9_.-]"
CHANNEL_NAME_CHARACTERS: Final = 64
CHANNEL_NAME_ALPHABET: Final = "[a-z0-9_-]"
DISPLAY_NAME_CHARACTERS: Final = 64
TOPIC_CHARACTERS: Final = 250
STATUS_CHARACTERS: Final = 128
REASON_CHARACTERS: Final = 250
MUTE_SECONDS: Final = 366 * 86_400  # who means longer means for ever
PRESENCES: Final = 100  # people whose presence a session asks for
AUDIT_LIMIT: Final = 200
AUDIT_DAYS: Final = 90  # as long as a device that is not used stays signed in
SLOW_SECONDS: Final = 6 * 3_600  # as Discord's; who means longer means that few may post
BLOCKED: Final = 1_000  # people, by one of them
TTL_SECONDS: Final = 5, 366 * 86_400  # how long messages may be there that disappear
BANS: Final = 10_000  # of one room: an open room knows them all
PASSWORD_CHARACTERS: Final = 8, 1_024
ROOM_ID_CHARACTERS: Final = 64
EMOJI_CODE_POINTS: Final = 16  # the longest recommended sequence has 10 (unicode.org/Public/emoji/latest)
REACTION_EMOJI: Final = 20  # different ones on a message
MENTIONED_NAMES: Final = 50  # different ones in a text; `@here` and `@all` beside them
HELLO_BYTES: Final = 64 * 1024  # with 500 rooms to resume; see HELLO_BYTES_UNTRUSTED
HELLO_BYTES_UNTRUSTED: Final = 4 * 1024  # before a token was seen to be good
RESUME_ROOMS: Final = 500
REPLAY_PER_ROOM: Final = 1_000
REPLAY_PER_CONNECTION: Final = 5_000
HISTORY_LIMIT: Final = 200
LOG_LIMIT: Final = 500
MEMBERS_LIMIT: Final = 200
SEARCH_LIMIT: Final = 50
SEARCH_CODE_POINTS: Final = 200  # of a query
THREADS_LIMIT: Final = 100
PINS: Final = 50  # of a room
CHANNELS_LIMIT: Final = 100
INVITES: Final = 100  # of one room, that are good
INVITE_USES: Final = 100_000
JOIN_REQUESTS: Final = 500  # that wait in a room; all of them are one answer
JOIN_REQUESTS_OF_USER: Final = 100
INVITE_SECONDS: Final = 366 * 86_400
QUERY_CHARACTERS: Final = 250  # of a search
ROOM_MEMBERS_AT_CREATION: Final = 255
SMALL_ROOM_MEMBERS: Final = 256  # above it a channel neither logs nor announces joins, leaves and receipts
CLOSE_REASON_BYTES: Final = 123  # RFC 6455, section 5.5: a control frame holds 125, two are the code
