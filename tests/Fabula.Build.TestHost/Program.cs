// run FOLDER SOURCE    makes the small film; prints every change to the disk just before it is made, then the film's digest
// hold FOLDER          holds the folder until a line comes in
using Fabula.Build;
using Fabula.Build.TestHost;

if (args is ["hold", var held])
{
    using var folder = BuildFolder.Open(held);
    Console.WriteLine("held");
    Console.ReadLine();
    return 0;
}
if (args is ["run", var path, var source])
{
    var say = new Lock();
    void Point(string change, string at)
    {
        lock (say) Console.WriteLine($"{change} {at}");
    }

    using var folder = await BuildFolder.OpenWhenFree(path, TimeProvider.System, new Disk(Point));
    await foreach (var news in folder.Runner().Run(SmallFilm.Graph(source, Point), new RunOptions(Jobs: 2)))
    {
        if (news is StepFinished done) Console.WriteLine($"FINISHED {done.Step.Id}");
        if (news is StepFailed failed) Console.WriteLine($"FAILED {failed}");
        if (news is BuildEnded { Outcome: BuildOutcome.Succeeded } ended)
            Console.WriteLine($"FILM {ended.Results.Find("film")!.Value.Digest}");
    }
    return 0;
}
Console.Error.WriteLine("run FOLDER SOURCE | hold FOLDER");
return 2;
