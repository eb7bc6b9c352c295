[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)] // Descriptors and allocations are counted over the whole process.
