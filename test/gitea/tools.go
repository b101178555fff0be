//go:build tools

// Package gitea pins the Gitea that is asked in place of a code host. Its replacements are those of Gitea's own go.mod.
package gitea

import _ "code.gitea.io/gitea"
