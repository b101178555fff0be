//go:build tools

// Package jaeger pins the Jaeger that the tracing test asks.
package jaeger

import _ "github.com/jaegertracing/jaeger/cmd/jaeger"
