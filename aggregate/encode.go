package aggregate

// Encode checks a command, as strictly as Handle does before it loads anything,
// and returns the message in which a Worker takes it from a queue: for a sender
// that is not Sender, such as a timer. The message may be sent more often than
// once. Errors are *events.Error of the codes malformed, unknown-command and
// internal.
func (h *Handler) Encode(c Command) (Message, error) {
	p := h.prepare(c)
	if p.err != nil {
		return Message{}, p.err
	}
	return EncodeQueued(p.stream, Queued{Command: p.command, Again: true})
}
