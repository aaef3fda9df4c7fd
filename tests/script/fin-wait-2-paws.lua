-- SPDX-License-Identifier: BSD-2-Clause
-- PAWS holds in an orphan's FIN_WAIT_2 as well: an old FIN does not end it, and
-- old text is no text after close.
shake{ts={1000, 0}}
inject{A, ts={2000}}
call.close()
expect{FA, seq=1, ecr=2000}
inject{A, ack=2, ts={2010}}
inject{FA, seq=1, ts={1999}}
expect{A, seq=2, ack=1, ecr=2010}
state("FIN-WAIT-2")
inject{PA, seq=1, ts={1999}, data="old"}
expect{A, seq=2, ack=1, ecr=2010}
state("FIN-WAIT-2")
inject{FA, seq=1, ts={2010}}
expect{A, seq=2, ack=2, ecr=2010}
state("TIME-WAIT")
