// Command shim answers the questions of `lastbyte conform` with the machine of this port.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/lastbyte/lastbyte/ports/go/machine"
)

type question struct {
	ID      string   `json:"id"`
	Streams string   `json:"streams"`
	Policy  []string `json:"policy"`
	Inputs  []string `json:"inputs"`
}

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "shim:", err)
		os.Exit(1)
	}
}

// serve answers each line of in with one line of out, in order.
func serve(in io.Reader, out io.Writer) error {
	reader := bufio.NewReader(in)
	writer := bufio.NewWriter(out)
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		} else if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var q question
		if err := json.Unmarshal(line, &q); err != nil {
			return fmt.Errorf("a question is not of the protocol: %w", err)
		}
		a, err := ask(q)
		if err != nil {
			return fmt.Errorf("question %s: %w", q.ID, err)
		}
		if err := encoder.Encode(a); err != nil {
			return err
		}
		if err := writer.Flush(); err != nil {
			return err
		}
	}
}

// ask runs one history through a new machine.
func ask(q question) (any, error) {
	policy, err := parsePolicy(q.Policy)
	if err != nil {
		return nil, err
	}
	streams, err := parseStreams(q.Streams)
	if err != nil {
		return nil, err
	}
	m, err := machine.New(streams, policy)
	if err != nil {
		why, ok := invalid[err]
		if !ok {
			return nil, err
		}
		return map[string]any{"id": q.ID, "invalid": why}, nil
	}
	steps := make([][]string, 0, len(q.Inputs))
	for _, text := range q.Inputs {
		input, err := parseInput(text)
		if err != nil {
			return nil, err
		}
		steps = append(steps, describe(m.Step(input)))
	}
	return map[string]any{"id": q.ID, "steps": steps, "room": describeRoom(m, streams)}, nil
}

var invalid = map[error]string{
	machine.ErrBufferBytes:    "buffer_bytes",
	machine.ErrBufferChunks:   "buffer_chunks",
	machine.ErrIdleGapOverMax: "idle_gap_over_max",
}
