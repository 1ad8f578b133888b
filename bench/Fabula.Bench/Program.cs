// Fabula's benchmarks. `Fabula.Bench step` etc. print Markdown tables; bench/run collects them with the machine's description.
// Timings on shared machines are noisy: every comparison interleaves its two sides, step by step, in one run, and reports
// minimum, median and maximum of each side and the median of the pairwise ratios.
using Fabula.Bench;

return args switch
{
    ["step", .. var rest] => StepBench.Run(rest),
    ["vae", .. var rest] => VaeBench.Run(rest),
    ["open", .. var rest] => OpenBench.Run(rest),
    ["select", .. var rest] => SelectBench.Run(rest),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: Fabula.Bench step [--dtype fp32|bf16] [--threads N] [--torch-threads N] [--rounds N] "
        + "[--layers N] [--alone]");
    Console.Error.WriteLine("       Fabula.Bench vae [--threads N] | open [FOLDER] | select [--threads N]");
    return 2;
}
