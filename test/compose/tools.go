//go:build tools

// Package compose pins Docker Compose: see ../support/tools.json.
package compose

import _ "github.com/docker/compose/v2/cmd"
