package nearest

import (
	"iter"
	"strings"
)

// Name returns the one of names that word was most likely meant to be: that
// with the smallest edit distance, at most one edit per three characters of the
// word and at least one; or else the shortest one that word begins. Case does not
// count. Of equally good names it is the first in order of the alphabet. It
// returns false when no name is near.
//
// An edit inserts, removes or replaces a byte, or swaps two neighbours.
func Name(word string, names iter.Seq[string]) (string, bool) {
	if word == "" {
		return "", false
	}
	const shortest = 3 // letters that begin a name by intention
	limit := max(1, len(word)/3)
	word = strings.ToLower(word)
	best, distance, begun := "", limit+1, ""
	for name := range names {
		lower := strings.ToLower(name)
		if d := Distance(word, lower, distance); d < distance || d == distance && d <= limit && name < best {
			best, distance = name, d
		}
		if len(word) >= shortest && strings.HasPrefix(lower, word) &&
			(begun == "" || len(name) < len(begun) || len(name) == len(begun) && name < begun) {
			begun = name
		}
	}
	if distance <= limit {
		return best, true
	}
	return begun, begun != ""
}

// Hint returns the end of a message about an unknown word: `; did you mean
// "users"?`, or nothing when no name is near.
func Hint(word string, names iter.Seq[string]) string {
	name, ok := Name(word, names)
	if !ok {
		return ""
	}
	return `; did you mean "` + name + `"?`
}

// Distance returns the edit distance of a and b, or a number above limit when it
// is above: the work for a long word is bounded by the length of b.
func Distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
