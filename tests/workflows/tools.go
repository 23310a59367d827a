//go:build tools

// Names the one program that this module exists for, so that its sums stay in go.sum.
package workflows

import _ "github.com/rhysd/actionlint/cmd/actionlint"
