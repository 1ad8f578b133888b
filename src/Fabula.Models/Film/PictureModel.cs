// Where a model keeps a transformer of its own for pictures from words alone: portraits and empty places, which a film's shots rely on.
// Real films use a text-to-image model for them (InfinityStory, StoryMem); here it is the video model, taught a little longer on nothing
// else, in a folder "pictures" beside it. VAE and text encoder are the model's.
using Fabula.Torch;

namespace Fabula.Models;

public static class PictureModel
{
    public const string FolderName = "pictures";

    /// <summary>The transformer of that folder; null where there is no such folder, or the model has two experts.</summary>
    /// <exception cref="CheckpointException">Its file is missing or broken.</exception>
    public static ModelPart? Of(ModelFolder folder)
    {
        var root = Path.Combine(folder.Root, FolderName);
        if (folder.Transformers is not [var transformer] || !Directory.Exists(root)) return null;
        var (path, problem) = Disk.Checkpoint(root, "diffusion_pytorch_model");
        return problem is null ? transformer with { Path = path } : throw new CheckpointException(root, null, problem);
    }

    /// <summary>Whether a request is for a picture from words alone.</summary>
    public static bool Makes(ShotRequest request) => request is
    {
        Frames: 1, First: null, Last: null, Recalled: null,
        Memory.Count: 0, Drafts.Count: 0, Motion.Count: 0
    };
}
