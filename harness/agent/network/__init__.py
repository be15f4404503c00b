"""The engine that delays, loses, repeats, reorders, spoils and squeezes the packets of this node's links.

It needs no netem, which many kernels lack: the kernel queues the packets (NFQUEUE), a process of ours says what becomes
of each, and counts. A packet that nobody attends to goes on as if nothing were there.
"""
