//sample:begin upcast

package account

import "daybook/events"

// openedV1 is Opened as it was stored at schema version 1.
type openedV1 struct {
	Mail string `json:"mail"`
}

// addressInMail brings account-opened from schema version 1 to 2.
var addressInMail = events.Upcast(func(old openedV1) Opened { return Opened{Email: old.Mail} })

//sample:end
