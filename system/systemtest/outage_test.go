package systemtest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"socorro"
	"socorro/system/systemtest"
)

func TestADeadDestinationDelaysNoOtherAndLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"--data", filepath.Join(dir, "data"), "--telemetry", filepath.Join(dir, "telemetry"), "--duplicate-window", "0s", "--backoff-initial", "10ms", "--backoff-max", "50ms"}
	down := systemtest.Start(t, program, append(args, "--inject-faults", "telemetry:down")...)

	const crashes = 150
	dump := readFile(t, "testdata", "crashes", "c_nullfn.dmp")
	contentType, body := systemtest.Form(t, dump, map[string]string{"ProductName": "Outage", "Version": "1"})
	var ids []socorro.CrashID
	for range crashes {
		status, reply, err := down.Post(http.Header{"Content-Type": {contentType}}, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		id, err := systemtest.Accepted(status, reply)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	systemtest.Eventually(t, "the index has every crash while telemetry is down", func() error {
		q, err := down.Queue()
		if err != nil {
			return err
		}
		index, telemetry := q.Outbox["index"], q.Outbox["telemetry"]
		if index.Waiting != 0 || telemetry.Waiting != crashes || telemetry.Parked != 0 {
			return fmt.Errorf("index %+v, telemetry %+v", index, telemetry)
		}
		return nil
	})
	if code, err := down.Stop(); code != 0 || err != nil {
		t.Fatalf("stop with a dead destination: %d, %v\n%s", code, err, down.Log())
	}

	up := systemtest.Start(t, program, args...)
	systemtest.Eventually(t, "telemetry catches up when it is back", up.Drained)
	got := exported(t, filepath.Join(dir, "telemetry"))
	for _, id := range ids {
		if got[id] != 1 {
			t.Errorf("telemetry has crash %s %d times; want once", id, got[id])
		}
	}
}
