// Package console is what a person sees of an installation: pages in the browser, and
// the JSON API below /console/api/ that they are made of. The local stack serves it
// beside its API, and the command line serves it on loopback; nothing of it is
// deployed.
//
// The pages are plain ES modules in static/, embedded as they are: there is no build
// step, and the content security policy allows no inline script or style and no other
// origin. static/vendor holds what others wrote, by the manifest beside it.
//
// It reads through package inspect, and writes (commands, redrives, rebuilds) only
// when Options.Write says so. It knows neither AWS nor how an installation is reached.
package console
