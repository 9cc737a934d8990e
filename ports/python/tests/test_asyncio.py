"""Real processes, on asyncio."""

import asyncio
import unittest

from lastbyte import AsyncExecution, Chunk, Exit, Status


class Async(unittest.IsolatedAsyncioTestCase):
    async def test_c01_the_exit_is_last(self) -> None:
        async with AsyncExecution(["sh", "-c", "echo out; exit 3"], streams="stdout") as execution:
            events = [event async for event in execution]
        self.assertIsInstance(events[0], Chunk)
        self.assertIsInstance(events[-1], Exit)
        self.assertEqual(events[-1].terminal.status, Status("exited", 3))

    async def test_c01_of_many_at_once_none_loses_a_byte(self) -> None:
        outputs = await asyncio.gather(
            *(AsyncExecution(["sh", "-c", f"echo {n}"]).output() for n in range(50))
        )
        self.assertEqual([o.stdout for o in outputs], [b"%d\n" % n for n in range(50)])

    async def test_c04_a_wait_that_is_cancelled_leaves_the_others(self) -> None:
        async with AsyncExecution(["cat"], stdin=True) as execution:
            first = asyncio.ensure_future(execution.exited())
            second = asyncio.ensure_future(execution.exited())
            await asyncio.sleep(0)
            first.cancel()
            assert execution.stdin is not None
            execution.stdin.close()
            self.assertEqual(await second, Status("exited", 0))
            self.assertTrue((await execution.wait()).complete)

    async def test_c11_a_close_ends_it(self) -> None:
        execution = AsyncExecution(["sleep", "60"])
        self.assertEqual((await execution.close()).status, Status("signaled", 9))


if __name__ == "__main__":
    unittest.main()
