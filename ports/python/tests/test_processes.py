"""Real processes, blocking: nothing lost, nobody hangs, nothing left.

Names begin with the rule. The children may sleep; the tests do not.
"""

import errno
import os
import signal
import sys
import tempfile
import unittest

import lastbyte
from lastbyte import After, Chunk, End, Execution, Exit, Gap, Idle, Limit, Policy, Status, StreamEnd


def sh(script: str, **options: object) -> lastbyte.Output:
    return lastbyte.run(["sh", "-c", script], **options)


def ends(output: lastbyte.Output) -> list:
    return [report.end for report in output.terminal.reports]


class Bytes(unittest.TestCase):
    def test_c01_of_many_echoes_none_is_lost(self) -> None:
        for number in range(300):
            output = sh(f"echo {number}")
            self.assertEqual(output.stdout, b"%d\n" % number)
            self.assertTrue(output.terminal.complete)

    def test_c01_the_exit_is_last_and_follows_every_end(self) -> None:
        with Execution(["sh", "-c", "echo out; echo err >&2; exit 3"]) as execution:
            events = list(execution)
        kinds = [type(event) for event in events]
        self.assertEqual(kinds[-1], Exit)
        self.assertEqual(kinds.count(Exit), 1)
        self.assertEqual(kinds.count(StreamEnd), 2)
        self.assertEqual(events[-1].terminal.status, Status("exited", 3))

    def test_c03_a_large_binary_arrives_whole(self) -> None:
        script = "import os,sys\nfor i in range(64): os.write(1, bytes(range(256)) * 1024)"
        output = lastbyte.run([sys.executable, "-c", script])
        self.assertEqual(output.stdout, bytes(range(256)) * 1024 * 64)

    def test_c03_both_streams_arrive_whole(self) -> None:
        script = "import os\nfor i in range(500): os.write(1, b'o' * 997); os.write(2, b'e' * 991)"
        output = lastbyte.run([sys.executable, "-c", script])
        self.assertEqual(output.stdout, b"o" * 997 * 500)
        self.assertEqual(output.stderr, b"e" * 991 * 500)

    def test_c03_one_byte_writes_arrive_in_order(self) -> None:
        script = "import os\nfor i in range(5000): os.write(1, bytes([i % 251]))"
        output = lastbyte.run([sys.executable, "-c", script])
        self.assertEqual(output.stdout, bytes(i % 251 for i in range(5000)))

    def test_c03_zeros_invalid_text_and_a_missing_newline_pass_as_they_are(self) -> None:
        self.assertEqual(sh(r"printf 'a\0\377\303'").stdout, b"a\0\xff\xc3")

    def test_c03_a_combined_stream_has_the_order_of_the_writes(self) -> None:
        output = sh("echo 1; echo 2 >&2; echo 3", streams="combined")
        self.assertEqual(output.stdout, b"1\n2\n3\n")


class Drain(unittest.TestCase):
    HELD = "echo root; sleep 60 &"

    def test_c06_an_idle_stream_that_is_held_is_cut_and_reported(self) -> None:
        output = sh(self.HELD, policy=Policy(drain=Idle(20, 5000)))
        self.assertEqual(ends(output), [End("cut", "idle")] * 2)
        self.assertTrue(all(report.held for report in output.terminal.reports))
        self.assertEqual(output.stdout, b"root\n")

    def test_c06_a_deadline_cuts(self) -> None:
        output = sh(self.HELD, policy=Policy(drain=After(20)))
        self.assertEqual(ends(output), [End("cut", "after")] * 2)

    def test_c06_until_eof_waits_for_the_last_holder(self) -> None:
        output = sh("(sleep 0.1; echo late) &", policy=Policy(drain=lastbyte.UntilEof()))
        self.assertEqual(output.stdout, b"late\n")
        self.assertTrue(output.terminal.complete)

    def test_c07_a_bound_of_zero_cuts_no_byte_of_the_root(self) -> None:
        for _ in range(50):
            output = sh("head -c 50000 /dev/zero; sleep 60 &", policy=Policy(drain=After(0)))
            self.assertEqual(len(output.stdout), 50000)
            self.assertEqual(ends(output), [End("cut", "after")] * 2)

    def test_c07_an_ordinary_command_ends_with_its_eof_under_a_bound_of_zero(self) -> None:
        output = sh("echo hi", policy=Policy(drain=After(0)))
        self.assertTrue(output.terminal.complete)

    def test_c08_a_limit_is_told(self) -> None:
        output = sh("printf 0123456789", policy=Policy(limit=Limit(4, "truncate")))
        self.assertEqual(output.stdout, b"0123")
        self.assertEqual(output.terminal.reports[0].dropped, 6)
        self.assertEqual(output.terminal.reports[0].end, End("limit"))

    def test_c12_a_consumer_who_is_slow_loses_nothing(self) -> None:
        policy = Policy(buffer_bytes_max=1000)
        output = sh("head -c 300000 /dev/zero", policy=policy)
        self.assertEqual(len(output.stdout), 300000)


class Ends(unittest.TestCase):
    def test_c09_a_death_by_signal_is_no_exit_code(self) -> None:
        self.assertEqual(sh("kill -9 $$").terminal.status, Status("signaled", 9))
        self.assertEqual(sh("exit 137").terminal.status, Status("exited", 137))

    def test_c16_term_that_is_ignored_is_followed_by_kill(self) -> None:
        policy = Policy(kill_grace=50)
        with Execution(["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done"], policy=policy) as it:
            self.assertIsInstance(it.next(), Chunk)
            self.assertEqual(it.kill(), "done")
            terminal = it.wait()
        self.assertEqual(terminal.status, Status("signaled", signal.SIGKILL))
        self.assertEqual(terminal.cause.killed_by_us, signal.SIGTERM)
        self.assertTrue(terminal.cause.escalated)

    def test_c16_output_in_answer_to_term_is_delivered(self) -> None:
        script = "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done"
        with Execution(["sh", "-c", script]) as it:
            self.assertIsInstance(it.next(), Chunk)
            it.kill()
            output = it.output()
        self.assertEqual(output.stdout, b"bye\n")
        self.assertEqual(output.terminal.status, Status("exited", 5))

    def test_c16_a_kill_that_races_the_exit_loses_nothing(self) -> None:
        for _ in range(100):
            with Execution(["sh", "-c", "echo x"]) as it:
                it.exited()
                self.assertEqual(it.kill(), "already_exited")
                self.assertEqual(it.output().stdout, b"x\n")

    def test_c10_a_timeout_is_the_cause(self) -> None:
        terminal = sh("sleep 60", policy=Policy(timeout=20)).terminal
        self.assertTrue(terminal.cause.timed_out)
        self.assertEqual(terminal.status, Status("signaled", signal.SIGTERM))

    def test_c11_a_close_leaves_no_process_and_no_descriptor(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            it = Execution(["sh", "-c", "sleep 60 & sleep 60"])
            self.assertEqual(it.close().status, Status("signaled", signal.SIGKILL))
            self.assertFalse(os.path.exists(f"/proc/{it.pid}"))
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)


class Input(unittest.TestCase):
    def test_c17_bytes_arrive_and_then_the_end(self) -> None:
        with Execution(["cat"], stdin=True) as it:
            assert it.stdin is not None
            it.stdin.write(b"in\0put")
            it.stdin.close()
            output = it.output()
        self.assertEqual(output.stdout, b"in\0put")
        self.assertEqual(output.terminal.status, Status("exited", 0))

    def test_c17_a_child_that_does_not_read_fails_only_its_stdin(self) -> None:
        with Execution(["sh", "-c", "exit 0"], stdin=True) as it:
            it.exited()
            assert it.stdin is not None
            with self.assertRaises(lastbyte.StdinClosed) as raised:
                it.stdin.write(b"x" * 1000)
            self.assertEqual((raised.exception.accepted, raised.exception.written), (1000, 0))
            self.assertEqual(it.wait().status, Status("exited", 0))


class Terminals(unittest.TestCase):
    def test_c03_a_terminal_is_one_stream_of_its_size(self) -> None:
        script = "stty size; test -t 0 && test -t 1 && test -t 2 && echo oops >&2; exit 4"
        output = sh(script, streams="pty", size=(12, 34))
        self.assertEqual(output.stdout, b"12 34\r\noops\r\n")
        self.assertEqual(output.terminal.status, Status("exited", 4))
        self.assertTrue(output.terminal.complete)

    def test_c18_the_child_leads_a_session_whose_terminal_it_is(self) -> None:
        output = sh("echo $$ $(ps -o sid= -p $$) $(ps -o tpgid= -p $$); : </dev/tty", streams="pty")
        pid, session, foreground = output.stdout.split()
        self.assertEqual((pid, pid), (session, foreground))
        self.assertEqual(output.terminal.status, Status("exited", 0))

    def test_c07_the_roots_last_bytes_arrive_also_when_the_terminal_is_held(self) -> None:
        for _ in range(20):
            script = "trap '' HUP; sleep 5 & seq 2000"
            output = sh(script, streams="pty", policy=Policy(drain=After(0)))
            self.assertEqual(output.stdout.split(), [b"%d" % n for n in range(1, 2001)])
            self.assertEqual(ends(output), [End("cut", "after")])

    def test_c17_input_is_typed_and_ends(self) -> None:
        with Execution(["sh", "-c", "stty -echo; echo up; cat; echo end"], streams="pty", stdin=True) as it:
            self.assertEqual(it.next(), Chunk("pty", b"up\r\n"))
            assert it.stdin is not None
            it.stdin.write(b"one\ntwo")
            it.stdin.close()
            self.assertEqual(it.output().stdout, b"one\r\ntwoend\r\n")

    def test_c11_a_close_leaves_no_descriptor(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(10):
            it = Execution(["sleep", "60"], streams="pty", stdin=True)
            self.assertEqual(it.close().status, Status("signaled", signal.SIGKILL))
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)


class Refusals(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def test_c14_a_policy_that_cannot_be_carried_out_starts_nothing(self) -> None:
        path = os.path.join(self.folder.name, "ran")
        with self.assertRaises(lastbyte.InvalidPolicy):
            Execution(["touch", path], policy=Policy(buffer_bytes_max=0))
        self.assertEqual(sh("true").terminal.status, Status("exited", 0))
        self.assertFalse(os.path.exists(path))

    def test_c14_a_pty_that_is_refused_leaves_nothing(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        with self.assertRaises(lastbyte.StartError) as raised:
            Execution(["no-such-program"], streams="pty")
        self.assertEqual((raised.exception.stage, raised.exception.errno), ("lookup", errno.ENOENT))
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_c14_a_refused_start_says_its_stage_and_errno_and_leaves_nothing(self) -> None:
        script = os.path.join(self.folder.name, "script")
        with open(script, "w") as file:
            file.write("#!/no/such/interpreter\n")
        os.chmod(script, 0o755)
        before = len(os.listdir("/proc/self/fd"))
        for args, cwd, stage, number in [
            (["no-such-program-at-all"], None, "lookup", errno.ENOENT),
            (["/no/such/program"], None, "lookup", errno.ENOENT),
            ([script], None, "exec", errno.ENOENT),
            (["/etc/passwd"], None, "permission", errno.EACCES),
            (["true"], "/no/such/folder", "chdir", errno.ENOENT),
            (["true"], "/etc/passwd", "chdir", errno.ENOTDIR),
        ]:
            with self.assertRaises(lastbyte.StartError) as raised:
                Execution(args, cwd=cwd)
            self.assertEqual((raised.exception.stage, raised.exception.errno), (stage, number))
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)


if __name__ == "__main__":
    unittest.main()
