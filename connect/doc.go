// Package connect reaches an installation, on AWS or on one machine, for programs that
// inspect and operate it: the sources of package inspect, the dead letters of the command
// queue, and what is kept outside of tables and queues (Services).
package connect
