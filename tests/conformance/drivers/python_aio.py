#!/usr/bin/python3
"""The conformance driver of the Python client for asyncio (modqd.aio)."""
import asyncio
import sys

from python_common import (CAN, call_arguments, event_answer, front_options, key_of, modqd, place_of, read, say,
                           seconds, stream_options, trouble, vectors)
from modqd import aio
from modqd.message import unpack_message


class Driver:
    def __init__(self):
        self.fronts, self.streams, self.outboxes = {}, {}, {}

    async def do(self, request):
        return await getattr(self, "do_" + request["do"])(request)

    async def do_about(self, _):
        return {"language": "python (asyncio)", "can": CAN}

    async def do_encode(self, request):
        return vectors(request)

    do_decode = do_encode

    async def do_exchange(self, request):
        link, timeout = aio.Link(request["endpoint"], None), request["timeout_ms"] / 1000
        link.open()
        try:
            await aio._ready(link, aio.zmq.POLLOUT, timeout)
            if not link.send(bytes.fromhex(request["hex"])):
                return {"reply": None}
            until = asyncio.get_running_loop().time() + timeout
            while (frames := link.receive()) is None:
                left = until - asyncio.get_running_loop().time()
                if left <= 0:
                    return {"reply": None}
                await aio._ready(link, aio.zmq.POLLIN, left)
            return {"reply": unpack_message(frames)}
        finally:
            link.close()

    async def do_front(self, request):
        self.fronts[request["name"]] = aio.Front(request["endpoint"], **front_options(request))
        return {}

    async def do_hello(self, request):
        return {"answer": await self.fronts[request["front"]].hello()}

    async def do_submit(self, request):
        front = self.fronts[request["front"]]
        return {"results": await front.submit_many(request["comments"], traceparent=request.get("traceparent"),
                                                   timeout=seconds(request, "timeout_ms", None))}

    async def do_call(self, request):
        first, rest = call_arguments(request["op"], request["fields"])
        answer = await getattr(self.fronts[request["front"]], request["op"])(*first, **rest)
        return {"answer": {"results": answer} if request["op"] == "status" else answer}

    async def do_push(self, request):
        push = aio.Push(request["endpoint"], key=key_of(request))
        for comment in request["comments"]:
            try:
                await push.submit(comment)
            except modqd.RetryError:
                pass                          # close() counts it
        return {"unsent": await push.close(seconds(request, "linger_ms", 1.0))}

    async def do_stream(self, request):
        self.streams[request["name"]] = aio.Decisions(
            request["endpoint"], request["site"], place=place_of(request), **stream_options(request))
        return {}

    async def do_next(self, request):
        return event_answer(await self.streams[request["stream"]].next(request["wait_ms"] / 1000))

    async def do_recorded(self, request):
        await self.streams[request["stream"]].recorded()
        return {}

    async def do_place(self, request):
        position = await self.streams[request["stream"]].position()
        return {"seq": position.seq, "chain": position.chain or None}

    async def do_outbox(self, request):
        self.outboxes[request["name"]] = aio.FileOutbox(request["path"])
        return {}

    async def do_keep(self, request):
        await self.outboxes[request["outbox"]].keep(request["op"], request["fields"])
        return {}

    async def do_flush(self, request):
        flushed = await self.outboxes[request["outbox"]].flush(self.fronts[request["front"]],
                                                               timeout=seconds(request, "timeout_ms", 60.0))
        return {"sent": flushed.sent, "left": flushed.left, "refused": [refused.error for refused in flushed.refused]}

    async def do_retry_refused(self, request):
        return {"count": await self.outboxes[request["outbox"]].retry_refused()}

    async def do_count(self, request):
        return {"left": await self.outboxes[request["outbox"]].count()}

    async def do_close(self, request):
        if "front" in request:
            await self.fronts.pop(request["front"]).close()
        elif "stream" in request:
            await self.streams.pop(request["stream"]).close()
        else:
            self.outboxes.pop(request["outbox"])
        return {}

    async def close(self):
        for connection in (*self.fronts.values(), *self.streams.values()):
            await connection.close()


async def main():
    driver, loop = Driver(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            say({"ok": True, **await driver.do(read(line))})
        except Exception as error:
            say(trouble(error))
    await driver.close()


if __name__ == "__main__":
    asyncio.run(main())
