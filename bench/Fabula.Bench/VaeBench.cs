namespace Fabula.Bench;
static class VaeBench { public static int Run(string[] args) => 0; }
static class ThreadsBench { public static int Run(string[] args) => 0; }
