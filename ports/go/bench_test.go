// How fast output comes, beside os/exec: `./with-go go test -run NONE -bench .`

package lastbyte_test

import (
	"io"
	"os/exec"
	"testing"

	lastbyte "github.com/lastbyte/lastbyte/ports/go"
)

type sink struct{ io.Writer }

func BenchmarkStream256MiB(b *testing.B) {
	args := []string{"-c", "268435456", "/dev/zero"}
	b.Run("lastbyte", func(b *testing.B) {
		b.SetBytes(256 << 20)
		for range b.N {
			cmd := lastbyte.Command("head", args...)
			cmd.Stdout = sink{io.Discard}
			if err := cmd.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("os_exec", func(b *testing.B) {
		b.SetBytes(256 << 20)
		for range b.N {
			cmd := exec.Command("head", args...)
			cmd.Stdout = sink{io.Discard}
			if err := cmd.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEcho(b *testing.B) {
	b.Run("lastbyte", func(b *testing.B) {
		for range b.N {
			if _, err := lastbyte.Command("echo", "hi").Output(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("os_exec", func(b *testing.B) {
		for range b.N {
			if _, err := exec.Command("echo", "hi").Output(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
