// The table of errors is that of docs/errors.md.

package lastbyte

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// table gives the rows between two markers, cell by cell.
func table(t *testing.T, name string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- begin: "+name+" -->")
	rest, _, found := strings.Cut(rest, "<!-- end: "+name+" -->")
	if !found {
		t.Fatalf("docs/errors.md has no table %q", name)
	}
	for i, line := range strings.Split(strings.TrimSpace(rest), "\n") {
		if i > 1 { // the heading and its rule
			rows = append(rows, strings.Split(strings.Trim(line, "| "), " | "))
		}
	}
	return rows
}

// If this were red, this SDK would call the same error something else.
func TestC14TheKindsAreThoseOfTheTable(t *testing.T) {
	kinds := map[string]Kind{
		"NotFound": NotFound, "Stopped": Stopped, "InvalidState": InvalidState, "InvalidArgument": InvalidArgument,
		"CannotSpawn": CannotSpawn, "OverQuota": OverQuota, "Unauthorized": Unauthorized, "Gone": Gone,
		"BackendLost": BackendLost, "BackendUnavailable": BackendUnavailable, "Shutdown": ShuttingDown, "Internal": Internal,
	}
	rows := table(t, "kinds")
	if len(rows) != len(kinds) {
		t.Fatalf("%d kinds in the table, %d here", len(rows), len(kinds))
	}
	for _, row := range rows {
		kind, ok := kinds[row[0]]
		got := fmt.Sprintf("`%s` %d %d %d", kind.Code, kind.HTTP, kind.Number, kind.exit)
		want := strings.Join(row[1:4], " ") + " " + strings.TrimSuffix(row[4], ", or 127")
		if !ok || got != want {
			t.Errorf("%s: got %s, want %s", row[0], got, want)
		}
	}
}

var errnos = map[string]syscall.Errno{
	"ENOENT": syscall.ENOENT, "ENOTDIR": syscall.ENOTDIR, "EACCES": syscall.EACCES, "ELOOP": syscall.ELOOP,
	"ENAMETOOLONG": syscall.ENAMETOOLONG, "EPERM": syscall.EPERM, "ENOEXEC": syscall.ENOEXEC, "ETXTBSY": syscall.ETXTBSY,
	"E2BIG": syscall.E2BIG, "ENOMEM": syscall.ENOMEM, "EINVAL": syscall.EINVAL, "EAGAIN": syscall.EAGAIN,
	"ENOSPC": syscall.ENOSPC, "EMFILE": syscall.EMFILE, "ENFILE": syscall.ENFILE,
}

// If this were red, a refused start would have another kind, exit code or advice than in other SDKs.
func TestC14RefusedStartsAreThoseOfTheTable(t *testing.T) {
	kinds := map[string]Kind{"CannotSpawn": CannotSpawn, "OverQuota": OverQuota}
	rows := table(t, "refusals")
	if len(rows) < 20 {
		t.Fatalf("only %d rows were found", len(rows))
	}
	for _, row := range rows {
		errno, ok := errnos[row[1]]
		if !ok {
			t.Errorf("%s is not known here", row[1])
			continue
		}
		err := refusedStart(Stage(row[0]), errno, "foo", "/srv")
		if err.op != row[4] || err.Kind != kinds[row[2]] || fmt.Sprint(err.ExitCode()) != row[3] {
			t.Errorf("%s %s: got %v, %s, %d", row[0], row[1], err, err.Kind.Code, err.ExitCode())
		}
	}
}

// If this were red, an outcome would be another number at the edge than in other SDKs.
func TestOutcomesAsAShellHasThem(t *testing.T) {
	for want, terminal := range map[int]Terminal{
		3:   {Status: Exited{Code: 3}},
		137: {Status: Signaled{Signal: 9}},
		125: {Status: Forced{}},
		0:   {Status: Exited{}},
	} {
		if got := ShellCode(terminal); got != want {
			t.Errorf("%v: got %d, want %d", terminal.Status, got, want)
		}
	}
}
