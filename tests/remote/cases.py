"""The end-to-end cases of docs/runner.md against a running `lastbyte serve`, by the standard library.

Usage: cases.py ADDRESS TOKEN [CASE ...]

Prints one line for each case, `ok NAME` or `FAILED NAME: why`, and exits with 1 if one failed. A case
is a function whose name begins with `error_`, `quota_`, `concurrency_`, `lifecycle_` or `race_`.
"""

import http.client
import json
import sys
import threading

ADDRESS, TOKEN = sys.argv[1], sys.argv[2]
ROUNDS = 2000
# How often each lifecycle race is run.
RACES = 50
# No answer takes longer, unless something hangs.
PATIENCE = 60


def ask(method, path, body=None, token=TOKEN):
    """One request on a connection of its own: the status, and the object of the answer."""
    connection = http.client.HTTPConnection(ADDRESS, timeout=PATIENCE)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    lines = [json.loads(line) for line in text.splitlines() if line]
    if response.getheader("Content-Type", "").endswith("ndjson"):
        return response.status, lines
    return response.status, lines[0] if lines else None


def expect(answer, status, code=None):
    """The answer, which has this status and, if it is a refusal, this code in a whole envelope."""
    got, body = answer
    allowed = status if isinstance(status, tuple) else (status,)
    assert got in allowed, f"expected {status}, got {got}: {body}"
    if got >= 400:
        error = body["error"]
        assert list(body) == ["error"], body
        assert {"code", "type", "message", "request_id"} <= set(error), error
        assert code is None or error["code"] == code, error
    return body


def create(**request):
    return expect(ask("POST", "/v1/boxes", request), 201)["id"]


def boxes():
    return expect(ask("GET", "/v1/boxes"), 200)["boxes"]


def start(box, *words, **more):
    request = {"command": words[0], "args": list(words[1:]), "stdin": "null", **more}
    answer = expect(ask("POST", f"/v1/boxes/{box}/exec", request), 201)
    return f"/v1/boxes/{box}/executions/{answer['execution_id']}"


def output(execution):
    """All output up to the exit, and the exit."""
    events = expect(ask("GET", f"{execution}/output"), 200)
    assert events[-1]["event"] == "exit", events[-1]
    text = "".join(event.get("text", "") for event in events if event["event"] == "chunk")
    return text, events[-1]


def wait(execution):
    return expect(ask("GET", f"{execution}/wait"), 200)


def delete(box):
    expect(ask("DELETE", f"/v1/boxes/{box}?force=true"), 204)


def at_once(*calls):
    """Runs the calls in threads; their results, or the first exception."""
    results = [None] * len(calls)

    def run(place, call):
        try:
            results[place] = call()
        except BaseException as error:  # told to who asked
            results[place] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


# Error mapping.


def error_zero_cpus():
    expect(ask("POST", "/v1/boxes", {"cpus": 0}), 400, "invalid_argument")


def error_negative_memory():
    expect(ask("POST", "/v1/boxes", {"memory_mib": -1}), 400, "invalid_argument")


def error_get_unknown_box():
    expect(ask("GET", "/v1/boxes/no-such-box"), 404, "not_found")


def error_delete_unknown_box():
    expect(ask("DELETE", "/v1/boxes/no-such-box"), 404, "not_found")


def error_unknown_image():
    expect(ask("POST", "/v1/boxes", {"image": "no-such-image"}), 422, "cannot_spawn")


def error_missing_binary():
    box = create()
    request = {"command": "no-such-binary"}
    body = expect(ask("POST", f"/v1/boxes/{box}/exec", request), 422, "cannot_spawn")
    assert body["error"]["stage"] == "lookup", body
    delete(box)


def error_cpus_far_over_quota():
    expect(ask("POST", "/v1/boxes", {"cpus": 1_000_000}), 429, "over_quota")


def error_stop_twice():
    box = create()
    expect(ask("POST", f"/v1/boxes/{box}/stop"), 200)
    expect(ask("POST", f"/v1/boxes/{box}/stop"), (200, 204, 409))
    delete(box)


def error_bad_token():
    expect(ask("GET", "/v1/me", token="wrong"), 401, "unauthorized")


def error_no_token():
    expect(ask("GET", "/v1/me", token=None), 401, "unauthorized")


# Quotas.


def limit(resource):
    return expect(ask("GET", "/v1/me"), 200)["per_box"][resource]


def quota_cpus_over_the_limit():
    expect(ask("POST", "/v1/boxes", {"cpus": limit("cpus") + 1}), 429, "over_quota")


def quota_memory_over_the_limit():
    expect(ask("POST", "/v1/boxes", {"memory_mib": limit("memory_mib") + 1}), 429, "over_quota")


def quota_disk_over_the_limit():
    expect(ask("POST", "/v1/boxes", {"disk_size_gb": limit("disk_size_gb") + 1}), 429, "over_quota")


def quota_refusal_creates_nothing():
    before, used = boxes(), expect(ask("GET", "/v1/me"), 200)["used"]
    expect(ask("POST", "/v1/boxes", {"cpus": limit("cpus") + 1}), 429)
    assert boxes() == before
    assert expect(ask("GET", "/v1/me"), 200)["used"] == used


def quota_zero_cpus():
    before = boxes()
    expect(ask("POST", "/v1/boxes", {"cpus": 0}), 400, "invalid_argument")
    assert boxes() == before


# Concurrency.


def concurrency_two_execs_at_once():
    box = create()

    def run(word):
        execution = start(box, "sh", "-c", f"for i in 1 2 3 4 5; do echo {word}; done")
        text, last = output(execution)
        assert text == f"{word}\n" * 5, text
        assert last["status"] == {"code": 0}, last

    at_once(lambda: run("one"), lambda: run("two"))
    delete(box)


def concurrency_parallel_creates():
    made = at_once(*[create] * 8)
    assert len(set(made)) == 8, made
    at_once(*[lambda box=box: delete(box) for box in made])


def concurrency_exec_after_remove():
    box = create()
    delete(box)
    expect(ask("POST", f"/v1/boxes/{box}/exec", {"command": "true"}), 404, "not_found")


def concurrency_delete_during_exec():
    box = create()
    execution = start(box, "sleep", "60")
    waited = at_once(lambda: wait(execution), lambda: delete(box))[0]
    assert waited["event"] == "exit" and waited["cancelled"], waited
    assert waited["status"] == {"signal": 15}, waited
    expect(ask("GET", f"/v1/boxes/{box}"), 404)


def concurrency_many_sequential_execs():
    box = create()
    for number in range(50):
        text, last = output(start(box, "echo", str(number)))
        assert text == f"{number}\n" and last["status"] == {"code": 0}, (number, text, last)
    delete(box)


def concurrency_double_stop():
    box = create()
    execution = start(box, "sleep", "60")
    stop = lambda: expect(ask("POST", f"/v1/boxes/{box}/stop"), (200, 204, 409))
    at_once(stop, stop)
    assert wait(execution)["event"] == "exit"
    assert expect(ask("GET", f"/v1/boxes/{box}"), 200)["state"] == "stopped"
    delete(box)


# Lifecycle races: two callers at once, again and again. Each race has the endings that the explorer
# finds in the model, in whichever order the system gives; what is left behind is looked at each time.


def together(*calls):
    """As `at_once`, but no call begins before every thread is there."""
    gate = threading.Barrier(len(calls))

    def behind(call):
        def run():
            gate.wait()
            return call()

        return run

    return at_once(*[behind(call) for call in calls])


def post(path, **request):
    return lambda: ask("POST", path, request)


def code(answer):
    """The status, and the code of a refusal, which is in a whole envelope."""
    status, body = answer
    return status if status < 400 else (status, expect(answer, status)["error"]["code"])


def nothing_is_left(used):
    """No box that a race has made is there, and no share of one."""
    now = expect(ask("GET", "/v1/me"), 200)["used"]
    assert now == used, (used, now)


def raced(race, endings):
    """Runs a race in a new box, `RACES` times; each ending must be one of these."""
    used = expect(ask("GET", "/v1/me"), 200)["used"]
    for turn in range(RACES):
        box = create()
        ending = race(box, turn)
        assert ending in endings, (turn, ending)
        ask("DELETE", f"/v1/boxes/{box}?force=true")
        expect(ask("GET", f"/v1/boxes/{box}"), 404, "not_found")
        nothing_is_left(used)


def exec_and(verb, after):
    """An exec beside something that ends its box: if it has started, it has an exit, and the box's
    end came after it."""

    def race(box, turn):
        request = {"command": "sleep", "args": ["60"], "stdin": "null"}
        calls = [post(f"/v1/boxes/{box}/exec", **request), verb(box)]
        # Both orders of asking, so that each has its chance to be first.
        answers = together(*calls) if turn % 2 else together(*calls[::-1])[::-1]
        started, ended = code(answers[0]), code(answers[1])
        if started == 201:
            execution = f"/v1/boxes/{box}/executions/{answers[0][1]['execution_id']}"
            if after == "running" or ended in ENDED:
                exit = wait(execution)
                assert exit["status"] == {"signal": 15} and exit["cancelled"], exit
        return started, ended

    return race


ENDED = (200, 204)
UNFIT = (409, "invalid_state")
LEAVING = (410, "gone")
NO_BOX = (404, "not_found")


def lifecycle_exec_vs_stop():
    race = exec_and(lambda box: post(f"/v1/boxes/{box}/stop"), "stopped")
    raced(race, [(201, 200), (UNFIT, 200)])


def lifecycle_exec_vs_delete():
    verb = lambda box: lambda: ask("DELETE", f"/v1/boxes/{box}?force=true")
    raced(exec_and(verb, "gone"), [(201, 204), (LEAVING, 204), (NO_BOX, 204)])


def lifecycle_exec_vs_delete_without_force():
    verb = lambda box: lambda: ask("DELETE", f"/v1/boxes/{box}")
    raced(exec_and(verb, "gone"), [(201, UNFIT), (LEAVING, 204), (NO_BOX, 204)])


def lifecycle_exec_vs_rebuild():
    def race(box, turn):
        exec_, rebuild = post(f"/v1/boxes/{box}/exec", command="true"), post(f"/v1/boxes/{box}/rebuild")
        answers = together(exec_, rebuild) if turn % 2 else together(rebuild, exec_)[::-1]
        if answers[0][0] == 201:
            execution = f"/v1/boxes/{box}/executions/{answers[0][1]['execution_id']}"
            assert wait(execution)["event"] == "exit"
        return code(answers[0]), code(answers[1])

    raced(race, [(201, 200), (UNFIT, 200)])


def lifecycle_stop_vs_stop():
    stop = lambda box: post(f"/v1/boxes/{box}/stop")
    raced(lambda box, _: tuple(map(code, together(stop(box), stop(box)))), [(200, 200)])


def lifecycle_stop_vs_delete():
    def race(box, turn):
        stop, delete = post(f"/v1/boxes/{box}/stop"), lambda: ask("DELETE", f"/v1/boxes/{box}")
        answers = together(stop, delete) if turn % 2 else together(delete, stop)[::-1]
        return tuple(map(code, answers))

    raced(race, [(200, 204), (LEAVING, 204), (NO_BOX, 204)])


def lifecycle_delete_vs_delete():
    delete = lambda box: lambda: ask("DELETE", f"/v1/boxes/{box}?force=true")
    endings = [(204, 204), (204, NO_BOX), (NO_BOX, 204)]
    raced(lambda box, _: tuple(map(code, together(delete(box), delete(box)))), endings)


def lifecycle_rebuild_vs_rebuild():
    rebuild = lambda box: post(f"/v1/boxes/{box}/rebuild")
    raced(lambda box, _: tuple(map(code, together(rebuild(box), rebuild(box)))), [(200, 200)])


def lifecycle_start_vs_stop():
    def race(box, turn):
        start, stop = post(f"/v1/boxes/{box}/start"), post(f"/v1/boxes/{box}/stop")
        answers = together(start, stop) if turn % 2 else together(stop, start)[::-1]
        return tuple(map(code, answers))

    raced(race, [(200, 200), (UNFIT, 200)])


def lifecycle_two_execs_have_no_cross_talk():
    def race(box, turn):
        def run(word):
            text, last = output(start(box, "sh", "-c", f"echo {word}; echo {word} >&2"))
            return text == f"{word}\n" * 2 and last["status"] == {"code": 0}

        return tuple(together(lambda: run(f"one{turn}"), lambda: run(f"two{turn}")))

    raced(race, [(True, True)])


def lifecycle_concurrent_creates_never_exceed_the_quota():
    me = expect(ask("GET", "/v1/me"), 200)
    each = me["per_box"]["cpus"]
    fit = (me["total"]["cpus"] - me["used"]["cpus"]) // each
    for _ in range(RACES):
        answers = together(*[post("/v1/boxes", cpus=each)] * (fit + 4))
        made = [body["id"] for status, body in answers if status == 201]
        codes = [code(answer) for answer in answers]
        assert codes.count(201) == fit, codes
        assert codes.count((429, "over_quota")) == 4, codes
        assert len(set(made)) == fit, made
        assert expect(ask("GET", "/v1/me"), 200)["used"]["cpus"] <= me["total"]["cpus"]
        together(*[lambda box=box: delete(box) for box in made])
        nothing_is_left(me["used"])


def lifecycle_an_exit_comes_before_its_boxs_end():
    def race(box, _):
        execution = start(box, "sh", "-c", "echo up; exec sleep 60")
        # Before that, nothing would put the word and the stop in order but a machine with nothing to do.
        while expect(ask("GET", execution), 200)["kept"] < len("up\n"):
            pass
        exit, stopped = together(lambda: wait(execution), lambda: ask("POST", f"/v1/boxes/{box}/stop"))
        # The stop is answered last: by then the execution has its terminal, and all of its output.
        assert expect(ask("GET", execution), 200)["state"] == "ended"
        assert output(execution)[0] == "up\n"
        return exit["event"], stopped[1]["state"]

    raced(race, [("exit", "stopped")])


def lifecycle_no_answer_was_a_fault_of_the_runner():
    connection = http.client.HTTPConnection(ADDRESS, timeout=PATIENCE)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    assert 'lastbyte_answers_total{class="5xx"} 0' in lines, lines


# The output race: the wait's answer and the output travel on different connections.


def race(rounds):
    with open("/etc/os-release") as file:
        expected = file.read()
    box = create()

    def run():
        execution = start(box, "cat", "/etc/os-release")
        waited, (text, last) = at_once(lambda: wait(execution), lambda: output(execution))
        assert text == expected, f"{len(text)} of {len(expected)} bytes"
        assert waited["status"] == last["status"] == {"code": 0}, (waited, last)
        assert waited["streams"]["stdout"]["delivered"] == len(expected.encode()), waited

    for _ in range(rounds):
        at_once(run, run)
    delete(box)


def race_five_rounds_of_two():
    race(5)


def race_two_thousand():
    race(ROUNDS // 2)


def main():
    kinds = ("error_", "quota_", "concurrency_", "lifecycle_", "race_")
    cases = {name: it for name, it in globals().items() if name.startswith(kinds)}
    failed = False
    for name in sys.argv[3:] or cases:
        try:
            cases[name]()
            print("ok", name, flush=True)
        except Exception as error:
            failed = True
            print(f"FAILED {name}: {type(error).__name__}: {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
