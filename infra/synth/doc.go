// Package synth is the CDK app as a program; a main hands it the application.
package synth
