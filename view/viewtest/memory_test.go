package viewtest_test

import (
	"testing"

	"daybook/view"
	"daybook/view/driver"
	"daybook/view/viewtest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	viewtest.Run(t, func(_ *testing.T, views []view.View) driver.Tables { return viewtest.NewMemory(views...) })
}

func TestMemoryRouted(t *testing.T) {
	t.Parallel()
	viewtest.RunRouted(t, func(_ *testing.T, views []view.View) driver.AdminTables { return viewtest.NewMemory(views...) })
}
