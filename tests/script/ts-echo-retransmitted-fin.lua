-- SPDX-License-Identifier: BSD-2-Clause
-- A FIN that goes again has the stamp of that moment, and the newest echo: the
-- peer's answer tells which of them it got (RFC 7323 4.1).
shake{ts={1000, 0}, rtt=10}
call.close()
expect{FA, seq=1, ts={10, 1010}}
expect_after(210, {FA, seq=1, ts={220, 1010}})
inject{A, ack=1, ts={1300}}
expect_after(420, {FA, seq=1, ts={640, 1300}})
