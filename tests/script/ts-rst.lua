-- SPDX-License-Identifier: BSD-2-Clause
-- RST of abort() has a stamp (RFC 7323 5.2). That in answer to a segment for
-- nobody echoes its stamp in lull, and has none in profile linux.
shake{ts={1000, 0}}
after(5)
call.abort()
expect{RA, seq=1, ack=1, ts={5, 1000}}
inject{A, seq=1, ack=1, ts={1010, 0}}
expect{R, seq=1, ecr=not linux and 1010}
