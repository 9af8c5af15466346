package stackwalk

// A fold is a piece of a stack where the same frames come again and again: an
// endless recursion, most likely.
type fold struct {
	from   int // the first frame
	period int // frames of one round
	times  int // rounds
}

const (
	longestRound = 16
	fewestRounds = 8
	shownRounds  = 2
)

// foldAt is the recursion that begins at frame i, false when none does.
func foldAt(frames []Frame, i int) (fold, bool) {
	for period := 1; period <= longestRound; period++ {
		same := 0
		for at := i; at+period < len(frames) && frames[at].Offset == frames[at+period].Offset; at++ {
			same++
		}
		if times := same/period + 1; times >= fewestRounds {
			return fold{i, period, times}, true
		}
	}
	return fold{}, false
}

// end is the first frame after.
func (f fold) end() int { return f.from + f.period*f.times }

// hidden are the frames that text leaves out of a fold: all but the first rounds
// and the last.
func (f fold) hidden() (from, to int) {
	return f.from + shownRounds*f.period, f.from + (f.times-1)*f.period
}
