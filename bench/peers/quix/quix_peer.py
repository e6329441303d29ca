"""A query in Quix Streams, in one process. The variables of the environment say which, and on what."""

import json
import os
import sys
import threading
import time
import traceback

from confluent_kafka import Consumer, Producer, TopicPartition
from quixstreams import Application
from quixstreams.dataframe.windows import Count, Max, Sum

ENV = os.environ
QUERY = ENV["QUERY"]
INPUT, OUTPUT = ENV["INPUT"], ENV["OUTPUT"]
LATENCY = QUERY == "latency"
EXACTLY_ONCE = ENV["GUARANTEE"] == "exactly-once"
COMMIT_S = 0.1 if LATENCY else 2.0

# Both partitions meet in each partition by auction, one of them ahead.
GRACE_MS = 30_000

OUT_OF_ORDER_MS = 1000

# The key of a record that only moves the time on.
MARK = b"-1"


def main():
    app = Application(
        broker_address=ENV["BROKERS"],
        consumer_group=OUTPUT,
        auto_offset_reset="earliest",
        state_dir=ENV["FOLDER"],
        processing_guarantee="exactly-once" if EXACTLY_ONCE else "at-least-once",
        use_changelog_topics=EXACTLY_ONCE,
        commit_interval=COMMIT_S,
        consumer_poll_timeout=0.01 if LATENCY else 1.0,
        consumer_extra_config={"queued.min.messages": 200_000, "fetch.queue.backoff.ms": 5}
        | ({"fetch.wait.max.ms": 5} if LATENCY else {}),
        producer_extra_config={"linger.ms": 0 if LATENCY else 20},
        loglevel="ERROR",
    )
    repartition = {"windowed": windowed, "stateless": stateless, "latency": pass_on}[QUERY](app)
    if ENV["BOUNDED"] == "true":
        threading.Thread(target=end, args=(app, repartition), daemon=True).start()
    app.run()


def windowed(app):
    size, slide = int(ENV["SIZE_MS"]), int(ENV["SLIDE_MS"])
    events = app.topic(INPUT, timestamp_extractor=lambda value, *_: value["dateTime"])
    prices = app.dataframe(events)[["auction", "price"]].group_by("auction")
    windows = (
        prices.tumbling_window(size, grace_ms=GRACE_MS)
        if size == slide
        else prices.hopping_window(size, slide, grace_ms=GRACE_MS)
    )
    sums = windows.agg(n=Count(), total=Sum("price"), top=Max("price")).final(closing_strategy="partition")
    rows = sums.apply(
        lambda value, key, *_: {
            "auction": key,
            "start": value["start"],
            "n": value["n"],
            "total": value["total"],
            "top": value["top"],
        },
        metadata=True,
    )
    rows.to_topic(app.topic(OUTPUT, key_serializer="json"))
    return prices.topics[0].name


def stateless(app):
    bids = app.dataframe(app.topic(INPUT))
    dear = bids.filter(lambda bid: bid["price"] > 500_000)
    dear[["auction", "bidder", "price", "dateTime"]].to_topic(app.topic(OUTPUT))


def pass_on(app):
    events = app.topic(INPUT, value_deserializer="bytes")
    app.dataframe(events).to_topic(app.topic(OUTPUT, value_serializer="bytes"))


def end(app, repartition):
    """Quix Streams knows no end of an input: this stops it when what was there at the start is read and committed."""
    try:
        offsets = Consumer({"bootstrap.servers": ENV["BROKERS"], "group.id": OUTPUT, "enable.auto.commit": False})
        await_committed(offsets, INPUT)
        if repartition is not None:
            close_windows(repartition, latest(offsets))
            await_committed(offsets, repartition)
        app.stop()
    except Exception:
        traceback.print_exc()
        os._exit(1)


def latest(consumer):
    """What no event is later than."""
    times = []
    for partition, end in ends(consumer, INPUT):
        consumer.assign([TopicPartition(INPUT, partition.partition, end - 1)])
        times.append(json.loads(consumer.consume(1, timeout=20)[0].value())["dateTime"])
    return max(times) + OUT_OF_ORDER_MS


def close_windows(repartition, latest_ms):
    """Moves the time of each partition beyond all windows; the groups that this opens are never given out."""
    producer = Producer({"bootstrap.servers": ENV["BROKERS"]})
    beyond = latest_ms + int(ENV["SIZE_MS"]) + GRACE_MS + 1
    for partition in producer.list_topics(repartition).topics[repartition].partitions:
        producer.produce(repartition, b'{"auction":-1,"price":0}', MARK, partition, timestamp=beyond)
    producer.flush()


def await_committed(offsets, topic):
    partitions, expected = zip(*ends(offsets, topic))
    while any(at.offset < end for at, end in zip(offsets.committed(list(partitions)), expected)):
        time.sleep(0.1)


def ends(consumer, topic):
    """The partitions that hold anything, with their ends."""
    partitions = [TopicPartition(topic, number) for number in consumer.list_topics(topic).topics[topic].partitions]
    all_ends = [(partition, consumer.get_watermark_offsets(partition)[1]) for partition in partitions]
    return [(partition, end) for partition, end in all_ends if end > 0]


if __name__ == "__main__":
    main()
    sys.exit(0)
