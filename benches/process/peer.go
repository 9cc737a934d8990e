// Go: os/exec.
package main

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

type sampler struct {
	stride, skip int
	crc          uint32
	bytes        uint64
	one          [1]byte
}

func (s *sampler) take(chunk []byte) {
	s.bytes += uint64(len(chunk))
	for ; s.skip < len(chunk); s.skip += s.stride {
		s.one[0] = chunk[s.skip]
		s.crc = crc32.Update(s.crc, crc32.IEEETable, s.one[:])
	}
	s.skip -= len(chunk)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func gathered(name string, args ...string) []byte {
	var out, errors bytes.Buffer
	command := exec.Command(name, args...)
	command.Stdout, command.Stderr = &out, &errors
	check(command.Run())
	return out.Bytes()
}

func stream(s *sampler, name string, args ...string) {
	command := exec.Command(name, args...)
	out, err := command.StdoutPipe()
	check(err)
	errors, err := command.StderrPipe()
	check(err)
	check(command.Start())
	var rest sync.WaitGroup
	rest.Add(1)
	go func() {
		defer rest.Done()
		_, _ = io.Copy(io.Discard, errors)
	}()
	block := make([]byte, 64*1024)
	for {
		length, err := out.Read(block)
		s.take(block[:length])
		if err == io.EOF {
			break
		}
		check(err)
	}
	rest.Wait()
	check(command.Wait())
}

func many(s *sampler, count int) {
	outputs := make([][]byte, count)
	var rest sync.WaitGroup
	for place := range outputs {
		rest.Add(1)
		go func() {
			defer rest.Done()
			outputs[place] = gathered("sh", "-c", "echo hi; exec sleep 1")
		}()
	}
	rest.Wait()
	for _, output := range outputs {
		s.take(output)
	}
}

func ofStatus(name string) string {
	text, err := os.ReadFile("/proc/self/status")
	check(err)
	_, rest, _ := strings.Cut(string(text), "\n"+name+":")
	return strings.Fields(rest)[0]
}

func main() {
	what, number, child := os.Args[2], os.Args[3], os.Args[5]
	count, err := strconv.Atoi(number)
	check(err)
	stride, err := strconv.Atoi(os.Args[4])
	check(err)
	s := &sampler{stride: stride}
	var collected []byte
	began := time.Now()
	switch what {
	case "echo":
		for range count {
			s.take(gathered("echo", "hi"))
		}
	case "many":
		many(s, count)
	case "collect":
		collected = gathered(child, "--write", number)
	case "lines":
		stream(s, child, "--lines", number)
	default:
		stream(s, child, "--write", number)
	}
	seconds := time.Since(began).Seconds()
	s.take(collected)
	peak, switches := ofStatus("VmHWM"), ofStatus("voluntary_ctxt_switches")
	fmt.Println(seconds, s.bytes, s.crc, peak, switches)
}
