module kata-go

go 1.25

// pulumi package add writes the lines of kata-cluster's SDK, which it makes in sdks/.
require (
	github.com/pulumi/pulumi-kubernetes/sdk/v4 v4.34.2
	github.com/pulumi/pulumi/sdk/v3 v3.259.0
)
