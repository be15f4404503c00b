"""Log: partitions of messages at offsets, sent and polled, as Kafka has them.

After Jepsen's ``jepsen.tests.kafka`` (analyses of Redpanda 2022, Bufstream 2024). Operations: ``send``, ``poll`` and
``txn`` have a list of ``["send", partition, value]``, answered by ``["send", partition, [offset, value]]`` (offset null
where it is not known), and ``["poll"]``, answered by ``["poll", {partition: [[offset, value], ...]}]``. ``assign`` and
``subscribe`` replace a consumer's partitions (a list); with ``seek-to-beginning?`` it starts again. A consumer is a
process. ``rebalance-log`` of an answer lists {"keys": partitions} that were taken away or given meanwhile. ``crash``
and ``debug-topic-partitions`` are passed over. Partitions are texts or integers, "7" being 7.

What is known of a partition: each offset's value, from every poll, whatever became of its transaction, and from sends
that were acknowledged (ok; or unknown, and an ok poll saw a message of the same operation). Offsets need not be
contiguous. Anomalies, and when they are wrong:

* "inconsistent-offsets": two values at one offset;
* "duplicate": a value that was sent once, at two offsets;
* "garbage-read": a poll saw what nobody sent; "aborted-read": what only a failed operation sent; "precommitted-read":
  what its own transaction sent, which is not committed yet;
* "lost-write": an acknowledged message that nobody polled, though some ok poll saw a later one of its partition
  (consumers are expected to start at the beginning; a message that only an uncommitted transaction polled is not lost);
* "poll-skip", "nonmonotonic-poll": a consumer's poll continues after messages that it has not seen, or not after the
  last one that it saw. Only counted (``allowed``) while it is subscribed: others may take its partitions over;
* "int-poll-skip", "int-nonmonotonic-poll": the same inside one operation, except of partitions that were rebalanced;
* "nonmonotonic-send", "int-nonmonotonic-send": what a process sent later, or later in one operation, stands earlier;
* "G1c", "G1c-process", "G1c-realtime": transactions that polled each other's messages in a circle, or in one together
  with the order of processes or of real time.

Only counted, as in Jepsen: "int-send-skip" (others' messages between those of one operation) and circles that need the
order of the messages, "G0" and "G1c-ww": Kafka's transactions do not isolate writes.

*Unseen* are acknowledged messages that nobody polled. Where something follows them they are lost; at the end of a
partition nobody knows, so that a history that is otherwise right is unknown (missing-final-read). Where one value was
sent several times to a partition its place is not known: what is certain all the same is told, else unknown.
"""

from checkers.log.verdict import check

__all__ = ["check"]
