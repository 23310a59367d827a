//go:build tools

// The engine is the ordinary Pulumi CLI, built from its module: this import is what go.mod and go.sum pin.
package engine

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
