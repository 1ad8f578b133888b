// How long a shot is: what the models can make, and what speech needs.
namespace Fabula.Narrative;

static class ShotLengths
{
    const double WordsPerSecond = 2.5, SecondsAroundSpeech = 0.5;

    /// <summary>The nearest length that the models can make: 4n+1, at least 5.</summary>
    public static int Nearest(int frames) => Math.Max(5, (frames + 1) / 4 * 4 + 1);

    /// <summary>Frames in which all of it can be said; 0 where nothing is.</summary>
    public static int Spoken(IEnumerable<PlanDialogue> dialogue, int rate)
    {
        var words = dialogue.Where(line => !line.Together).Sum(line => Word.Split(line.Line).Count);
        return words == 0 ? 0 : (int)Math.Ceiling((words / WordsPerSecond + SecondsAroundSpeech) * rate);
    }

    /// <summary>The length, or the next of 4n+1 that speech of so many frames fits into.</summary>
    public static int AtLeast(int frames, int spoken) => spoken == 0 ? frames : Math.Max(frames, (spoken + 2) / 4 * 4 + 1);
}
