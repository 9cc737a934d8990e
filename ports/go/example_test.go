// The examples of the README.

package lastbyte_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	lastbyte "github.com/lastbyte/lastbyte/ports/go"
)

// A build leaves a server behind that holds its stdout. Its output is whole as far as the build itself
// wrote it, the caller does not hang, and is told what still holds the pipe.
func ExampleCmd_Events() {
	policy := lastbyte.DefaultPolicy()
	policy.Drain.Gap = 20 * time.Millisecond // after the end, wait for no more than this silence
	cmd := lastbyte.Command("sh", "-c", "echo building; sleep 60 & exit 3")
	cmd.Policy = &policy
	for event, err := range cmd.Events() {
		if err != nil {
			fmt.Println("not started:", err)
			return
		}
		switch e := event.(type) {
		case lastbyte.Chunk:
			fmt.Printf("%v: %q\n", e.Stream, e.Bytes)
		case lastbyte.Exit:
			r := e.Terminal.Streams[0]
			fmt.Printf("%v; %v: %v, held: %v, %d bytes\n", e.Terminal.Status, r.Stream, r.End, r.Held, r.Delivered)
		}
	}
	// Output:
	// stdout: "building\n"
	// exited 3; stdout: cut idle, held: true, 9 bytes
}

func ExampleCmd_Output() {
	out, err := lastbyte.Command("sh", "-c", "echo hi; echo oops >&2; exit 3").Output()
	var exit *lastbyte.ExitError
	if errors.As(err, &exit) {
		fmt.Printf("%q, %q, %v\n", out, exit.Stderr, exit.Terminal.Status)
	}
	// Output: "hi\n", "oops\n", exited 3
}

func ExampleCommandContext() {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := lastbyte.CommandContext(ctx, "sleep", "60").Run()
	fmt.Println(err, errors.Is(err, context.DeadlineExceeded))
	// Output: lastbyte: signaled 15 true
}

func ExampleError() {
	err := lastbyte.Command("no-such-program").Run()
	var refused *lastbyte.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Stage, refused.Kind.Code, refused.ExitCode())
	}
	fmt.Println(err)
	// Output:
	// lookup cannot_spawn 127
	// lastbyte: failed to run `no-such-program`: no such program on PATH; check the name or give a path
}
