#!/usr/bin/python3
"""The conformance driver of the Python client (modqd)."""
import sys

from python_common import (CAN, call_arguments, event_answer, front_options, key_of, modqd, place_of, read, say,
                           seconds, stream_options, trouble, vectors)
from modqd.link import Link
from modqd.message import unpack_message


class Driver:
    def __init__(self):
        self.fronts, self.streams, self.outboxes = {}, {}, {}

    def do(self, request):
        return getattr(self, "do_" + request["do"])(request)

    def do_about(self, _):
        return {"language": "python", "can": CAN}

    def do_encode(self, request):
        return vectors(request)

    do_decode = do_encode

    def do_exchange(self, request):
        link = Link(request["endpoint"], None)
        link.open()
        try:
            if link.socket.poll(request["timeout_ms"], 2) and link.send(bytes.fromhex(request["hex"])):
                if link.socket.poll(request["timeout_ms"]):
                    return {"reply": unpack_message(link.receive())}
            return {"reply": None}
        finally:
            link.close()

    def do_front(self, request):
        self.fronts[request["name"]] = modqd.Front(request["endpoint"], **front_options(request))
        return {}

    def do_hello(self, request):
        return {"answer": self.fronts[request["front"]].hello()}

    def do_submit(self, request):
        front = self.fronts[request["front"]]
        return {"results": front.submit_many(request["comments"], traceparent=request.get("traceparent"),
                                             timeout=seconds(request, "timeout_ms", None))}

    def do_call(self, request):
        first, rest = call_arguments(request["op"], request["fields"])
        answer = getattr(self.fronts[request["front"]], request["op"])(*first, **rest)
        return {"answer": {"results": answer} if request["op"] == "status" else answer}

    def do_push(self, request):
        push = modqd.Push(request["endpoint"], key=key_of(request))
        for comment in request["comments"]:
            try:
                push.submit(comment)
            except modqd.RetryError:
                pass                          # close() counts it
        return {"unsent": push.close(seconds(request, "linger_ms", 1.0))}

    def do_stream(self, request):
        self.streams[request["name"]] = modqd.Decisions(
            request["endpoint"], request["site"], place=place_of(request), **stream_options(request))
        return {}

    def do_next(self, request):
        return event_answer(self.streams[request["stream"]].next(request["wait_ms"] / 1000))

    def do_recorded(self, request):
        self.streams[request["stream"]].recorded()
        return {}

    def do_place(self, request):
        position = self.streams[request["stream"]].position
        return {"seq": position.seq, "chain": position.chain or None}

    def do_outbox(self, request):
        self.outboxes[request["name"]] = modqd.FileOutbox(request["path"])
        return {}

    def do_keep(self, request):
        self.outboxes[request["outbox"]].keep(request["op"], request["fields"])
        return {}

    def do_flush(self, request):
        flushed = self.outboxes[request["outbox"]].flush(self.fronts[request["front"]],
                                                         timeout=seconds(request, "timeout_ms", 60.0))
        return {"sent": flushed.sent, "left": flushed.left, "refused": [refused.error for refused in flushed.refused]}

    def do_retry_refused(self, request):
        return {"count": self.outboxes[request["outbox"]].retry_refused()}

    def do_count(self, request):
        return {"left": self.outboxes[request["outbox"]].count()}

    def do_close(self, request):
        if "front" in request:
            self.fronts.pop(request["front"]).close()
        elif "stream" in request:
            self.streams.pop(request["stream"]).close()
        else:
            self.outboxes.pop(request["outbox"])
        return {}

    def close(self):
        for connection in (*self.fronts.values(), *self.streams.values()):
            connection.close()


def main():
    driver = Driver()
    for line in sys.stdin:
        try:
            say({"ok": True, **driver.do(read(line))})
        except Exception as error:
            say(trouble(error))
    driver.close()


if __name__ == "__main__":
    main()
