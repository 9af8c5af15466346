package sqlite

import (
	"context"

	"socorro"
)

// Exec runs a statement on the writer's connection.
func (q *Queue) Exec(ctx context.Context, statement string) error {
	_, err := q.db.writer.conn.ExecContext(ctx, statement)
	return err
}

// QueueQueries are the queries that must not grow with the file.
func QueueQueries() map[string]string {
	return map[string]string{
		"expiredLeases": expiredLeases, "waitingInLane": waitingInLane, "peekOutbox": peekOutbox, "peekParked": peekParked,
		"listParked": listParked, "oldestWaiting": oldestWaiting, "oldestDelivery": oldestDelivery, "recoverOwner": recoverClaims,
		"requeue": requeueCrash, "enqueue": addCrash, "status": statusFields + "WHERE id = ?",
		"commit": "UPDATE crash SET state = 'processed'" + held, "forget": "DELETE FROM outbox WHERE id = ?",
		"ack": "DELETE FROM outbox WHERE seq = ? AND destination = ?",
	}
}

// IndexQueries are those of the index. The ones that sort say so in their name.
func IndexQueries() map[string]string {
	return map[string]string{
		"signatureExactly": signatureExactly, "signatureContains": signatureContains, "sorted topSignatures": topSignatures,
		"sorted signatureProducts": signatureProducts, "sorted products": productsSince, "recountDay": recountDay,
	}
}

// Plan is how SQLite runs a query, a line per step.
func (q *Queue) Plan(ctx context.Context, query string) ([]string, error) {
	return q.db.plan(ctx, query)
}

// Plan is how SQLite runs a query, a line per step.
func (x *Index) Plan(ctx context.Context, query string) ([]string, error) {
	return x.db.plan(ctx, query)
}

// PlanRecent is how SQLite runs Recent.
func (x *Index) PlanRecent(ctx context.Context, f socorro.CrashFilter) ([]string, error) {
	w, err := x.where(ctx, f)
	if err != nil {
		return nil, err
	}
	return x.db.plan(ctx, w.inner())
}

func (d *db) plan(ctx context.Context, query string) ([]string, error) {
	type step struct {
		id, parent, unused int
		text               string
	}
	rows, err := d.read.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, make([]any, 10)...)
	steps, err := scan(rows, err, func(s *step) []any { return []any{&s.id, &s.parent, &s.unused, &s.text} })
	var plan []string
	for _, s := range steps {
		plan = append(plan, s.text)
	}
	return plan, err
}
