# SPDX-License-Identifier: BSD-2-Clause
"""Urgent text between a lull and the kernel, both ways (RFC 6093)."""

import select
import socket

from peers import Peer, V4, V6, main


def test_both_ways(w):
    with Peer(w, "urgent") as peer:
        for addr in (V4, V6):
            with peer.connect(addr, 9) as sock:
                sock.send(b"12X", socket.MSG_OOB)
                w.equal(f"{addr}: lull hears of the kernel's three bytes",
                        peer.line(), "urgent 3")
                w.equal("its reading stops at the mark",
                        [peer.line(), peer.line()], ["text 12", "text X"])
                there = select.select([], [], [sock], 10)[2]
                w.ok("the kernel hears of lull's", there)
                w.equal("the last one is the urgent one",
                        sock.recv(8, socket.MSG_OOB), b"!")
                w.equal("the others are in the stream", sock.recv(8), b"ab")
                sock.shutdown(socket.SHUT_WR)
                w.equal("and nothing else", sock.recv(8), b"")


main([test_both_ways])
