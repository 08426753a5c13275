"""The recurrent 3D U-Net that answers in voxels, with its uncertainty."""
