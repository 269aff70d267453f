package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"daybook/events"
	"daybook/internal/signedhttp"
)

// denied explains a refusal by IAM in the words of the service, which name the action
// and the resource, and says what to do. Another error stays as it is. policy is the
// command line that prints the policy, without the program's name; "" is none.
func (a *app) denied(err error, policy string) error {
	r := refusalOf(err)
	if r.code == "" {
		return err
	}
	return events.Errorf(r.code, "%s; %s", r.words, a.nextStep(r.code, policy))
}

// withNextStep adds to an error that denied did not explain what to do about a refusal
// by IAM.
func (a *app) withNextStep(err error) error {
	if r := refusalOf(err); r.code != "" {
		return fmt.Errorf("%w; %s", err, a.nextStep(r.code, ""))
	}
	return err
}

// refusal is the answer of a service that did not let a caller in.
type refusal struct {
	code  events.Code // forbidden or unauthenticated; "" for another error
	words string
}

func refusalOf(err error) refusal {
	said, ok := errors.AsType[interface {
		error
		ErrorCode() string
		ErrorMessage() string
	}](err)
	if !ok {
		return refusal{}
	}
	r := refusal{words: said.ErrorCode() + ": " + said.ErrorMessage()}
	if call, ok := errors.AsType[*smithy.OperationError](err); ok && !strings.Contains(r.words, call.OperationName) {
		r.words = call.OperationName + ": " + r.words
	}
	switch {
	case signedhttp.LacksRight(said.ErrorCode()):
		r.code = events.CodeForbidden
	case signedhttp.RejectsCredentials(said.ErrorCode()):
		r.code = events.CodeUnauthenticated
	}
	return r
}

// nextStep is what an operator does about a refusal.
func (a *app) nextStep(code events.Code, policy string) string {
	switch {
	case code == events.CodeUnauthenticated:
		return "check -profile and the AWS_ variables of the environment, or log in again"
	case policy != "":
		return fmt.Sprintf("%s %s prints the IAM policy that this command needs", a.of.Name, policy)
	}
	return "Daybook's docs/cli.md lists the rights that each command needs"
}
