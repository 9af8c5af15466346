package destination

// Wake says that the outbox may have something new. From anybody, by the Bell; no answer.
type Wake struct{}

// TryNow ends the wait after a failure, for an operator who has just repaired
// the destination. From the engine; no answer.
type TryNow struct{}

// Finish lets the write in hand end and starts no other; then the actor ends.
// From the engine; answered by the actor's end.
type Finish struct{}
