package user

import "daybook/view"

// Users is the view "users": one row per user. Its second version finds users by
// e-mail whatever its case, by the form in which addresses are unique.
var Users = users(view.By("email").Fold("lower", uniqueEmail)).
	Version(2).
	Previous(users(view.By("email")))

// users declares the view but for the index that its versions differ in.
func users(byEmail view.IndexBy) *view.RowView[Row] {
	return view.New[Row]("users", "user").
		On(func(_ Row, e Created, _ view.Meta) Row {
			return Row{Name: e.Name, Email: e.Email, Active: true}
		}).
		On(func(r Row, e Renamed, _ view.Meta) Row { r.Name = e.Name; return r }).
		On(func(r Row, e EmailChanged, _ view.Meta) Row { r.Email = e.Email; return r }).
		On(func(r Row, _ Deactivated, _ view.Meta) Row { r.Active = false; return r }).
		On(func(r Row, _ Reactivated, _ view.Meta) Row { r.Active = true; return r }).
		Index("by-email", byEmail).
		Index("by-active", view.By("active").Then("name")).
		Index("by-name", view.All().Then("name"))
}

// Row is one user. Its id and version come with it.
type Row struct {
	Name   string `json:"name" example:"Ada"`
	Email  string `json:"email" example:"ada@example.com"`
	Active bool   `json:"active"`
}
